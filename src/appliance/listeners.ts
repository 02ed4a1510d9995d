import { redirectToHttps, type RedirectOptions } from '../api/https-redirect.ts';
import {
  startServer,
  type RunningServer,
  type ServerCertificate,
  type ServerOptions,
} from '../api/server.ts';
import { Settings } from '../config/index.ts';
import { sentenceOf } from '../errors.ts';
import type { Foundation } from './foundation.ts';
import { followSettings } from './settings-watch.ts';

/** Where to listen. */
export interface ListenOptions {
  readonly fetch: ServerOptions['fetch'];
  readonly host: string;
  readonly port: number;
  /** For HTTPS, which is there as soon as a certificate was imported; 0 takes a free one. */
  readonly httpsPort: number;
}

/** The ports of one API. */
export interface Listeners {
  /** Plain HTTP: for commands on this machine always, for others until there is a certificate. */
  readonly url: string;
  /** Undefined while there is no certificate. */
  readonly httpsUrl: () => string | undefined;
  close(): Promise<void>;
}

/**
 * Listens for HTTP, and for HTTPS while `proxy.tls.cert` and `proxy.tls.key` are set; then HTTP redirects to it. A new
 * certificate is shown from the next connection on, with no restart.
 */
export async function startListeners(foundation: Foundation, options: ListenOptions): Promise<Listeners> {
  const { fetch, host, port } = options;
  let redirect: RedirectOptions | undefined;
  let secure: { readonly server: RunningServer; shown: ServerCertificate } | undefined;
  const server = await startServer({
    fetch: (request, bindings) =>
      (redirect && redirectToHttps(request, bindings, redirect)) ?? fetch(request, bindings),
    host,
    port,
  });

  async function settle(): Promise<void> {
    const settings = new Settings(await foundation.settings.all());
    const certificate = certificateOf(settings);
    if (certificate === undefined) {
      redirect = undefined;
      await secure?.server.close();
      secure = undefined;
      return;
    }
    if (secure === undefined) {
      const tls = certificate;
      secure = { server: await startServer({ fetch, host, port: options.httpsPort, tls }), shown: tls };
    } else if (secure.shown.cert !== certificate.cert || secure.shown.key !== certificate.key) {
      secure.server.setCertificate(certificate);
      secure.shown = certificate;
    }
    const trustForwardedProto = settings.flag('proxy.trust-forwarded-proto');
    redirect = { port: secure.server.port, trustForwardedProto };
  }

  let why: string | undefined;
  /**
   * A certificate that cannot be used, or a port that is taken, must not keep devices from the store; it is tried again
   * for as long as it fails: whoever holds the port may let it go.
   */
  async function settleOrLog(): Promise<void> {
    try {
      await settle();
      why = undefined;
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence !== why) foundation.log.error({ why: sentence }, 'HTTPS is not available');
      why = sentence;
    }
  }
  const stopFollowing = await followSettings(foundation, settleOrLog, () => why !== undefined);
  return {
    url: server.url,
    httpsUrl: () => secure?.server.url,
    async close() {
      await stopFollowing();
      await Promise.all([server.close(), secure?.server.close()]);
    },
  };
}

function certificateOf(settings: Settings): ServerCertificate | undefined {
  const cert = settings.text('proxy.tls.cert');
  const key = settings.text('proxy.tls.key');
  return cert === undefined || key === undefined ? undefined : { cert, key };
}
