import {
  ASSERTION_MEDIA_TYPE,
  decodeStream,
  encodeStream,
  signAssertion,
  text,
  textList,
  type Assertion,
  type HeaderValue,
  type Signer,
} from '../../src/assertions/index.ts';
import { DeviceError, expectStatus, send } from './device-http.ts';
import type { DeviceOptions, SerialOutcome } from './device-options.ts';
import { requestIdReply } from './device-replies.ts';
import type { DeviceTrust } from './device-trust.ts';

/** How a device comes by its serial (protocol/devices.md 1). */
export class DeviceRegistration {
  readonly #options: DeviceOptions;
  readonly #signer: Signer;
  readonly #trust: DeviceTrust;

  constructor(options: DeviceOptions, signer: Signer, trust: DeviceTrust) {
    this.#options = options;
    this.#signer = signer;
    this.#trust = trust;
  }

  async requestId(): Promise<string> {
    const { headers = {} } = this.#options;
    const reply = await send(this.#url('request-id'), { method: 'POST', headers: { ...headers } });
    await expectStatus(reply, [200]);
    return requestIdReply.parse(await reply.json())['request-id'];
  }

  async serialRequest(
    requestId: string,
    extra: { [name: string]: HeaderValue },
    registrationBody = this.#options.registrationBody,
  ): Promise<Assertion> {
    const { model, proposedSerial } = this.#options;
    const headers = {
      'brand-id': text(model, 'brand-id'),
      model: text(model, 'model'),
      'request-id': requestId,
      'device-key': this.#signer.publicKey.encoded,
      ...(proposedSerial !== undefined && { serial: proposedSerial }),
      ...extra,
    };
    const body = registrationBody === undefined ? {} : { body: registrationBody };
    return signAssertion({ type: 'serial-request', headers, ...body }, this.#signer, new Date());
  }

  async post(
    request: { readonly bytes: Uint8Array },
    others: readonly { readonly bytes: Uint8Array }[],
  ): Promise<SerialOutcome> {
    const reply = await send(this.#url(this.#options.service === undefined ? 'devices' : 'serial'), {
      method: 'POST',
      headers: {
        ...this.#options.headers,
        'snap-device-capabilities': 'serial-stream',
        'content-type': ASSERTION_MEDIA_TYPE,
      },
      body: Buffer.from(encodeStream([request, ...others])),
    });
    await expectStatus(reply, [200, 201, 202]);
    if (reply.status === 202) return { ready: false };
    return {
      ready: true,
      serial: await this.#accept(decodeStream(new Uint8Array(await reply.arrayBuffer()))),
    };
  }

  /** What a device checks before it takes a serial: that it is its own, and that it rests on a root. */
  async #accept(stream: readonly Assertion[]): Promise<Assertion> {
    const { model } = this.#options;
    const [serial, ...more] = stream.filter((assertion) => assertion.type === 'serial');
    if (serial === undefined || more.length > 0) {
      throw new DeviceError(200, 'the answer does not hold exactly one serial');
    }
    const isOurs =
      text(serial, 'brand-id') === text(model, 'brand-id') &&
      text(serial, 'model') === text(model, 'model') &&
      text(serial, 'device-key-sha3-384') === this.#signer.publicKey.keyId;
    if (!isOurs) throw new DeviceError(200, 'the serial is not for this device');
    const authorities = [text(model, 'brand-id'), ...textList(model, 'serial-authority')];
    if (!authorities.includes(serial.authorityId ?? '')) {
      throw new DeviceError(200, 'the serial is signed by an account that the model does not name');
    }
    // A stream with more than the serial must hold its whole chain; for a serial alone, the chain is fetched.
    await this.#trust.verifyStream(stream, stream.length === 1 ? 'fetch' : 'complete');
    return serial;
  }

  #url(path: string): URL {
    const { service, store } = this.#options;
    if (service !== undefined) return new URL(path, service.endsWith('/') ? service : `${service}/`);
    return new URL(`api/v1/snaps/auth/${path}`, store);
  }
}
