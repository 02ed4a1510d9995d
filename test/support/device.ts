import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import {
  ASSERTION_MEDIA_TYPE,
  decodeAssertion,
  decodeStream,
  encodeStream,
  formatTimestamp,
  signAssertion,
  softwareSigner,
  text,
  textList,
  type Assertion,
  type AssertionTypeName,
  type HeaderValue,
  type Signer,
} from '../../src/assertions/index.ts';
import { DeviceError, expectStatus, send } from './device-http.ts';
import { downloadTo, type Download, type DownloadOptions } from './device-download.ts';
import { DeviceTrust } from './device-trust.ts';
import { infoReply, nonceReply, refreshReply, requestIdReply, sessionReply } from './device-replies.ts';
import type { InfoReply, RefreshReply } from './device-replies.ts';

export { DeviceError } from './device-http.ts';

const generateKey = promisify(generateKeyPair);

/** How a device was made and where it is told to go. */
export interface DeviceOptions {
  /** Address of the store, as `proxy.store` or a forced API address gives it. */
  readonly store: string;
  /** Address of a device service of its own; without it, serials come from the store's address. */
  readonly service?: string;
  /** Headers of its gadget, such as the API key. */
  readonly headers?: { readonly [name: string]: string };
  readonly model: Assertion;
  /** The roots that its system was built to trust. */
  readonly roots: readonly Assertion[];
  /** What it was seeded with besides: the model's account and account-key. */
  readonly seed?: readonly Assertion[];
  readonly architecture?: string;
  /** Length of the device key; real devices have 4096. */
  readonly keyBits?: number;
  /** A key made beforehand, instead of a new one. */
  readonly key?: KeyObject;
  readonly proposedSerial?: string;
  readonly registrationBody?: string;
  /** How long to wait before the same serial-request is posted again after 202; real devices wait 60 s. */
  readonly pollMs?: number;
}

/** What a serial-request led to: the serial, or word that it is not ready. */
export type SerialOutcome = { readonly ready: false } | { readonly ready: true; readonly serial: Assertion };

/** A device in TypeScript that speaks to a store as real ones do (protocol/devices.md 1 to 4), with a key of its own. */
export class Device {
  readonly signer: Signer;
  readonly #options: DeviceOptions;
  readonly #trust: DeviceTrust;
  #serial: Assertion | undefined;
  #session: string | undefined;

  private constructor(options: DeviceOptions, signer: Signer) {
    this.#options = options;
    this.signer = signer;
    this.#trust = new DeviceTrust(options.roots, [...(options.seed ?? []), options.model], (type, key) =>
      this.assertion(type, key),
    );
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
  async requestId(): Promise<string> {
    const reply = await send(this.#registrationUrl('request-id'), {
      method: 'POST',
      headers: this.#gadgetHeaders(),
    });
    await expectStatus(reply, [200]);
    return requestIdReply.parse(await reply.json())['request-id'];
  }

  /** Makes and signs a serial-request; extra headers replace its own. */
  async serialRequest(requestId: string, extra: { [name: string]: HeaderValue } = {}): Promise<Assertion> {
    const { proposedSerial, registrationBody } = this.#options;
    const headers = {
      'brand-id': text(this.model, 'brand-id'),
      model: text(this.model, 'model'),
      'request-id': requestId,
      'device-key': this.signer.publicKey.encoded,
      ...(proposedSerial !== undefined && { serial: proposedSerial }),
      ...extra,
    };
    const draft = { type: 'serial-request' as const, headers };
    return signAssertion(
      registrationBody === undefined ? draft : { ...draft, body: registrationBody },
      this.signer,
      new Date(),
    );
  }

  /** Posts a serial-request once, checks the serial that comes down to the root, and keeps it; throws DeviceError. */
  async postSerialRequest(
    request: { readonly bytes: Uint8Array },
    others: readonly { readonly bytes: Uint8Array }[] = [this.model],
  ): Promise<SerialOutcome> {
    const path = this.#options.service === undefined ? 'devices' : 'serial';
    const reply = await send(this.#registrationUrl(path), {
      method: 'POST',
      headers: {
        ...this.#gadgetHeaders(),
        'snap-device-capabilities': 'serial-stream',
        'content-type': ASSERTION_MEDIA_TYPE,
      },
      body: Buffer.from(encodeStream([request, ...others])),
    });
    await expectStatus(reply, [200, 201, 202]);
    if (reply.status === 202) return { ready: false };
    const serial = await this.#acceptSerial(decodeStream(new Uint8Array(await reply.arrayBuffer())));
    this.#serial = serial;
    return { ready: true, serial };
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

  async #acceptSerial(stream: readonly Assertion[]): Promise<Assertion> {
    const [serial, ...more] = stream.filter((assertion) => assertion.type === 'serial');
    if (serial === undefined || more.length > 0)
      throw new DeviceError(200, 'the answer does not hold one serial');
    const fits =
      text(serial, 'brand-id') === text(this.model, 'brand-id') &&
      text(serial, 'model') === text(this.model, 'model') &&
      text(serial, 'device-key-sha3-384') === this.signer.publicKey.keyId;
    if (!fits) throw new DeviceError(200, 'the serial is not for this device');
    const authority = serial.authorityId ?? '';
    if (
      authority !== text(this.model, 'brand-id') &&
      !textList(this.model, 'serial-authority').includes(authority)
    ) {
      throw new DeviceError(200, 'the serial is signed by an account that the model does not name');
    }
    // A stream with more than the serial must hold its whole chain; for a serial alone, the chain is fetched.
    await this.#trust.verifyStream(stream, stream.length === 1 ? 'fetch' : 'complete');
    return decodeAssertion(serial.bytes);
  }

  #requireSerial(): Assertion {
    if (this.#serial === undefined) throw new Error('the device has no serial yet');
    return this.#serial;
  }

  #gadgetHeaders(): { [name: string]: string } {
    return { ...this.#options.headers };
  }

  #registrationUrl(path: string): URL {
    const { service, store } = this.#options;
    if (service !== undefined) return new URL(path, service.endsWith('/') ? service : `${service}/`);
    return new URL(`api/v1/snaps/auth/${path}`, store);
  }

  #storeUrl(path: string): URL {
    const { store } = this.#options;
    return new URL(path, store.endsWith('/') ? store : `${store}/`);
  }
}
