import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import {
  ASSERTION_MEDIA_TYPE,
  decodeStream,
  formatTimestamp,
  signAssertion,
  softwareSigner,
  text,
  type Assertion,
  type AssertionTypeName,
  type HeaderValue,
  type Signer,
} from '../../src/assertions/index.ts';
import { DeviceError, expectStatus, send } from './device-http.ts';
import { downloadTo, type Download, type DownloadOptions } from './device-download.ts';
import { DeviceTrust } from './device-trust.ts';
import type { DeviceOptions, SerialOutcome } from './device-options.ts';
import { DeviceRegistration } from './device-registration.ts';
import { infoReply, nonceReply, refreshReply, sessionReply } from './device-replies.ts';
import type { InfoReply, RefreshReply } from './device-replies.ts';

export { DeviceError } from './device-http.ts';
export type { DeviceOptions, SerialOutcome } from './device-options.ts';

const generateKey = promisify(generateKeyPair);

/** A device in TypeScript that speaks to a store as real ones do (protocol/devices.md 1 to 4), with a key of its own. */
export class Device {
  readonly signer: Signer;
  readonly #options: DeviceOptions;
  readonly #trust: DeviceTrust;
  readonly #registration: DeviceRegistration;
  #serial: Assertion | undefined;
  #session: string | undefined;

  private constructor(options: DeviceOptions, signer: Signer) {
    this.#options = options;
    this.signer = signer;
    this.#trust = new DeviceTrust(options.roots, [...(options.seed ?? []), options.model], (type, key) =>
      this.assertion(type, key),
    );
    this.#registration = new DeviceRegistration(options, signer, this.#trust);
  }

  /** A factory-new device: makes its key. */
  static async make(options: DeviceOptions): Promise<Device> {
    const key =
      options.key ?? (await generateKey('rsa', { modulusLength: options.keyBits ?? 4096 })).privateKey;
    return new Device(options, softwareSigner(key));
  }

  get model(): Assertion {
    return this.#options.model;
  }

  get serial(): Assertion | undefined {
    return this.#serial;
  }

  get session(): string | undefined {
    return this.#session;
  }

  /** Forgets the session, or takes another one, as a test wants it. */
  useSession(session: string | undefined): void {
    this.#session = session;
  }

  /** Asks for a request-id; throws DeviceError. */
  requestId(): Promise<string> {
    return this.#registration.requestId();
  }

  /** Makes and signs a serial-request; extra headers and another body replace its own. */
  serialRequest(
    requestId: string,
    extra: { [name: string]: HeaderValue } = {},
    body?: string,
  ): Promise<Assertion> {
    return this.#registration.serialRequest(requestId, extra, body);
  }

  /** Posts a serial-request once, checks the serial that comes down to the root, and keeps it; throws DeviceError. */
  async postSerialRequest(
    request: { readonly bytes: Uint8Array },
    others: readonly { readonly bytes: Uint8Array }[] = [this.model],
  ): Promise<SerialOutcome> {
    const outcome = await this.#registration.post(request, others);
    if (outcome.ready) this.#serial = outcome.serial;
    return outcome;
  }

  /** Goes all the way to a serial: request-id, serial-request, and patience while the answer is 202. */
  async requestSerial(patienceMs = 60_000): Promise<Assertion> {
    const request = await this.serialRequest(await this.requestId());
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const outcome = await this.postSerialRequest(request);
      if (outcome.ready) return outcome.serial;
      if (Date.now() > deadline) throw new DeviceError(202, 'no serial came in time');
      await new Promise((resolve) => setTimeout(resolve, this.#options.pollMs ?? 500));
    }
  }

  /** Makes and signs a device-session-request. */
  async sessionRequest(nonce: string, extra: { [name: string]: HeaderValue } = {}): Promise<Assertion> {
    const serial = this.#requireSerial();
    const headers = {
      'brand-id': text(serial, 'brand-id'),
      model: text(serial, 'model'),
      serial: text(serial, 'serial'),
      nonce,
      timestamp: formatTimestamp(new Date()),
      ...extra,
    };
    return signAssertion({ type: 'device-session-request', headers }, this.signer, new Date());
  }

  async nonce(): Promise<string> {
    const reply = await send(this.#storeUrl('api/v1/snaps/auth/nonces'), {
      method: 'POST',
      headers: { accept: 'application/json' },
    });
    await expectStatus(reply, [200]);
    return nonceReply.parse(await reply.json()).nonce;
  }

  /** Posts a session request with the device's model and serial; gives the session and keeps it; throws DeviceError. */
  async postSessionRequest(request: { readonly bytes: Uint8Array }): Promise<string> {
    const reply = await send(this.#storeUrl('api/v1/snaps/auth/sessions'), {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(this.#session !== undefined && { 'x-device-authorization': `Macaroon root="${this.#session}"` }),
      },
      body: JSON.stringify({
        'device-session-request': Buffer.from(request.bytes).toString('utf8'),
        'model-assertion': Buffer.from(this.model.bytes).toString('utf8'),
        'serial-assertion': Buffer.from(this.#requireSerial().bytes).toString('utf8'),
      }),
    });
    await expectStatus(reply, [200, 202]);
    this.#session = sessionReply.parse(await reply.json()).macaroon;
    return this.#session;
  }

  /** Opens a session: nonce, signed request, session; throws DeviceError. */
  async openSession(): Promise<string> {
    return this.postSessionRequest(await this.sessionRequest(await this.nonce()));
  }

  /** What the store says of one snap; throws DeviceError with status 404 when it shows none. */
  async info(
    name: string,
    fields = 'channel-map,name,snap-id,revision,version,type,download',
  ): Promise<InfoReply> {
    const { architecture = 'amd64' } = this.#options;
    const path = `v2/snaps/info/${encodeURIComponent(name)}?architecture=${architecture}&fields=${fields}`;
    return infoReply.parse(await this.call(path));
  }

  /** Runs actions (install, refresh, download, fetch-assertions) as one call. */
  async refresh(
    actions: readonly object[],
    context: readonly object[] = [],
    more: object = {},
  ): Promise<RefreshReply> {
    const body = {
      context,
      actions,
      fields: ['download', 'name', 'revision', 'snap-id', 'type', 'version'],
      ...more,
    };
    return refreshReply.parse(await this.call('v2/snaps/refresh', body));
  }

  /**
   * Calls any address of the store with the device's headers and session; a JSON body makes it a POST. When the store
   * asks for a new session, opens one and calls again, once.
   */
  async call(path: string, body?: object): Promise<unknown> {
    try {
      return await this.#callOnce(path, body);
    } catch (error) {
      if (!(error instanceof DeviceError) || !error.asksForNewSession) throw error;
      await this.openSession();
      return this.#callOnce(path, body);
    }
  }

  /** The newest revision of an assertion, as the store has it; undefined when it says that there is none. */
  async assertion(type: AssertionTypeName, primaryKey: readonly string[]): Promise<Assertion | undefined> {
    const path = `v2/assertions/${type}/${primaryKey.map(encodeURIComponent).join('/')}?max-format=9`;
    const reply = await send(this.#storeUrl(path), {
      headers: { ...this.headers(), accept: ASSERTION_MEDIA_TYPE },
    });
    if (reply.status === 404) return undefined;
    await expectStatus(reply, [200]);
    return decodeStream(new Uint8Array(await reply.arrayBuffer())).at(0);
  }

  /** Fetches an assertion and checks it down to the root; throws AssertionError. */
  async trustedAssertion(
    type: AssertionTypeName,
    primaryKey: readonly string[],
  ): Promise<Assertion | undefined> {
    const found = await this.assertion(type, primaryKey);
    if (found !== undefined) await this.#trust.verify(found);
    return found;
  }

  /** Downloads a snap into a file, broken off and resumed if told so, and checks its digest. */
  download(source: DownloadOptions['source'], into: string, breakAfter?: number): Promise<Download> {
    return downloadTo({
      source,
      into,
      headers: this.headers(),
      ...(breakAfter !== undefined && { breakAfter }),
    });
  }

  /** Headers of every call: both families, with the session where there is one. */
  headers(): { [name: string]: string } {
    const { architecture = 'amd64', model } = this.#options;
    const store = model.headers['store'];
    const session = this.#session === undefined ? undefined : `Macaroon root="${this.#session}"`;
    return {
      'snap-device-series': '16',
      'snap-device-architecture': architecture,
      'content-type': 'application/json',
      ...(typeof store === 'string' && { 'snap-device-store': store }),
      ...(session !== undefined && {
        'snap-device-authorization': session,
        'x-device-authorization': session,
      }),
    };
  }

  async #callOnce(path: string, body?: object): Promise<unknown> {
    const reply = await send(this.#storeUrl(path), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...this.headers(), accept: 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    await expectStatus(reply, [200]);
    return reply.json();
  }

  #requireSerial(): Assertion {
    if (this.#serial === undefined) throw new Error('the device has no serial yet');
    return this.#serial;
  }

  #storeUrl(path: string): URL {
    const { store } = this.#options;
    return new URL(path, store.endsWith('/') ? store : `${store}/`);
  }
}
