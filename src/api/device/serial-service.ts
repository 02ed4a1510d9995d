import {
  claimCodeOf,
  mintRequestId,
  readRequestId,
  readSerialRequest,
  REQUEST_ID_LIFE_SECONDS,
  REQUEST_ID_RANDOM_BYTES,
  verifySerialRequest,
  type Decision,
} from '../../devices/index.ts';
import type { Database } from '../../storage/index.ts';
import { noTracing, type Tracing } from '../../telemetry/index.ts';
import { Admissions } from './admission/admissions.ts';
import type { Applicant, AskingWebhook } from './admission/applicant.ts';
import { httpWebhook, type AskWebhook } from './admission/ask-webhook.ts';
import { ProvisioningTrust } from './admission/trust.ts';
import type { ModelServiceSecrets } from './model-service-secrets.ts';
import type { Provisioner } from './provisioning/provisioner.ts';

/** What the device's part of the Model Service works with. */
export interface SerialServiceDeps {
  readonly database: Pick<Database, 'kind' | 'queries' | 'transaction'>;
  readonly secrets: ModelServiceSecrets;
  readonly provisioner: Pick<Provisioner, 'obtain' | 'checkCapacity'>;
  readonly clock: () => Date;
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Asks decision services; over HTTP unless told. */
  readonly askWebhook?: AskWebhook;
  readonly tracing?: Tracing;
}

/** A serial-request as it came over HTTP. */
export interface IncomingRequest {
  readonly stream: Uint8Array;
  readonly apiKey: string | undefined;
  readonly claimCode: string | undefined;
  /** The address that it came from. */
  readonly address: string | undefined;
}

/** The device's part of the Model Service: request-ids, and serials exactly once (DESIGN section 6). */
export class SerialService {
  readonly #deps: SerialServiceDeps;
  readonly #trust: ProvisioningTrust;
  readonly #admissions: Admissions;
  readonly #askWebhook: AskWebhook;
  readonly #tracing: Tracing;

  constructor(deps: SerialServiceDeps) {
    this.#deps = deps;
    this.#tracing = deps.tracing ?? noTracing;
    this.#trust = new ProvisioningTrust(deps.database.queries, deps.clock);
    this.#admissions = new Admissions({
      database: deps.database,
      clock: deps.clock,
      tracing: this.#tracing,
      apiKeyPepper: deps.secrets.apiKeyPepper,
      claimSecret: (brandId, model, salt) => deps.secrets.claims(brandId, model, salt),
      checkCapacity: (token, intent) => deps.provisioner.checkCapacity(token, intent),
    });
    this.#askWebhook = deps.askWebhook ?? httpWebhook(deps.clock);
  }

  /** A fresh request-id. */
  requestId(): string {
    return mintRequestId({
      secret: this.#deps.secrets.requestId,
      random: this.#deps.random(REQUEST_ID_RANDOM_BYTES),
      expiresAt: new Date(this.#deps.clock().getTime() + REQUEST_ID_LIFE_SECONDS * 1000),
    });
  }

  /**
   * Judges a serial-request and gives the stream with the device's serial; undefined when it is not ready, or an admin has to
   * decide: the device asks again with the same request. Throws `DeviceError` with the code of the rule that does not hold.
   */
  async serial(incoming: IncomingRequest): Promise<Uint8Array | undefined> {
    const applicant = await this.#read(incoming);
    const admission = await this.#admit(applicant);
    switch (admission.kind) {
      case 'serial':
        return this.#reply(admission.serial, admission.signKeyId);
      case 'intent': {
        const { id, token, serial: number } = admission;
        const { brandId, modelName } = applicant.request;
        const obtain = () => this.#deps.provisioner.obtain(id, token, { brandId, modelName, serial: number });
        const serial = await this.#tracing.span('wait for the serial', obtain);
        return serial && this.#reply(serial, admission.signKeyId);
      }
      case 'wait':
      case 'ask-webhook':
        return undefined;
    }
  }

  async #read(incoming: IncomingRequest): Promise<Applicant> {
    const unverified = this.#tracing.span('parse', () => readSerialRequest(incoming.stream));
    const request = this.#tracing.span('verify signature', () => verifySerialRequest(unverified));
    const requestId = readRequestId(request.requestId, [this.#deps.secrets.requestId]);
    await this.#tracing.span('verify chain', () => this.#trust.verify(request));
    const body = Buffer.from(request.assertion.body).toString('utf8');
    return {
      request,
      requestId,
      apiKey: incoming.apiKey,
      claimCode: claimCodeOf(incoming.claimCode, body),
      address: incoming.address,
      body,
      verdict: undefined,
    };
  }

  async #admit(applicant: Applicant) {
    const admission = await this.#tracing.span('admit', () => this.#admissions.admit(applicant));
    if (admission.kind !== 'ask-webhook') return admission;
    const ask = () => this.#ask(applicant, admission);
    const verdict = await this.#tracing.span('ask the webhook', ask);
    return this.#tracing.span('admit', () => this.#admissions.admit({ ...applicant, verdict }));
  }

  #reply(serial: Uint8Array, signKeyId: string): Promise<Uint8Array> {
    return this.#tracing.span('reply', () => this.#trust.replyFor(serial, signKeyId));
  }

  #ask(applicant: Applicant, { url, apiKeyName, salt }: AskingWebhook): Promise<Decision> {
    const { request } = applicant;
    return this.#askWebhook(
      url,
      {
        brandId: request.brandId,
        model: request.modelName,
        deviceKeyId: request.deviceKey.keyId,
        proposedSerial: request.proposedSerial,
        address: applicant.address,
        apiKeyName,
        body: applicant.body,
        requestId: request.requestId,
      },
      this.#deps.secrets.webhook(request.brandId, request.modelName, salt),
    );
  }
}
