import type { Decision, RequestId, SerialRequest } from '../../../devices/index.ts';

/** A device that asks for its serial: a request whose own signature, request-id and model chain hold. */
export interface Applicant {
  readonly request: SerialRequest;
  readonly requestId: RequestId;
  /** The API key as presented. */
  readonly apiKey: string | undefined;
  /** The claim code as presented. */
  readonly claimCode: string | undefined;
  readonly address: string | undefined;
  /** The request's body as text. */
  readonly body: string;
  /** What the brand's decision service said; undefined: not asked. */
  readonly verdict: Decision | undefined;
}

/** What an applicant gets. */
export type Admission =
  /** The serial, made before. */
  | { readonly kind: 'serial'; readonly serial: Uint8Array; readonly signKeyId: string }
  /** The promise of one: the intent is recorded. `token` is the HSM token that holds its key. */
  | {
      readonly kind: 'intent';
      readonly id: string;
      readonly serial: string;
      readonly signKeyId: string;
      readonly token: string;
    }
  /** An admin has to decide. */
  | { readonly kind: 'wait' }
  | AskingWebhook;

/** The brand's decision service has to be asked. */
export interface AskingWebhook {
  readonly kind: 'ask-webhook';
  readonly url: string;
  readonly apiKeyName: string;
  /** The salt of the secret that the question is signed with. */
  readonly salt: string | undefined;
}
