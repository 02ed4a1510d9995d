import type { HttpBindings } from '@hono/node-server';

/** What stays on plain HTTP beside the redirect: commands on this machine, and probes. */
const PLAIN = /^\/(ops\/v1|_status|healthz|readyz|metrics)(\/|$)/;
/** Who does not trust our certificate yet gets it here, to compare its fingerprint; everything else takes HTTPS. */
const CERTIFICATE = '/v2/setup/ca.crt';
const LOOPBACK = /^(::1|127\.\d+\.\d+\.\d+|::ffff:127\.\d+\.\d+\.\d+)$/;

/** How to send people to HTTPS. */
export interface RedirectOptions {
  /** Where HTTPS listens. */
  readonly port: number;
  /** A front server says by X-Forwarded-Proto what its client used (`proxy.trust-forwarded-proto`). */
  readonly trustForwardedProto: boolean;
}

/**
 * The answer that sends a plain request to HTTPS; undefined for what may stay: commands and probes from this machine,
 * our certificate itself, and what came over HTTPS to a front server. No HSTS: a host that goes back to HTTP must stay reachable for its devices.
 */
export function redirectToHttps(
  request: Request,
  bindings: Partial<HttpBindings>,
  { port, trustForwardedProto }: RedirectOptions,
): Response | undefined {
  const url = new URL(request.url);
  if (url.protocol === 'https:') return undefined;
  if (trustForwardedProto && request.headers.get('x-forwarded-proto') === 'https') return undefined;
  if (PLAIN.test(url.pathname) && LOOPBACK.test(bindings.incoming?.socket.remoteAddress ?? ''))
    return undefined;
  if (url.pathname === CERTIFICATE) return undefined;
  url.protocol = 'https:';
  url.port = String(port);
  // Other than 301, 308 keeps the method and the body of a request.
  const status = request.method === 'GET' || request.method === 'HEAD' ? 301 : 308;
  return new Response(null, { status, headers: { location: url.toString() } });
}
