/**
 * What the processes around serials and signing keys take and give. Payloads carry ids, names and digests only.
 * API and activities import this file; it imports nothing but types.
 */
import type { KeyBounds } from '../assertions/index.ts';

/** Serials to be made together. */
export interface ProvisionInput {
  /** The name of the batch: a UUID, the last part of the workflow's id. */
  readonly batch: string;
  /** Ids of intents. */
  readonly intents: readonly string[];
}

/** What became of a batch. An intent that is none of these was signed before, or is being signed by another batch. */
export interface ProvisionOutcome {
  readonly signed: number;
  /** Intents whose key may not, or cannot, sign any more: their devices get another draft when they ask again. */
  readonly refused: number;
}

/** A signing key to be made on the HSM. */
export interface CreateSigningKeyInput {
  readonly brandId: string;
  readonly name: string;
  /** The HSM token to make it on, by its name; the default token when absent. */
  readonly token?: string;
  /** What its account-key-request will ask for. */
  readonly bounds?: KeyBounds;
  /** Account id of who asked, for the log. */
  readonly actor: string;
}

/** A signing key that the HSM holds. */
export interface CreatedSigningKey {
  readonly keyId: string;
}

/** A signing key whose public half is to be registered with the store that vouches for the brand's keys. */
export interface RegisterSigningKeyInput {
  readonly keyId: string;
  /** Account id of who asked, for the log. */
  readonly actor: string;
  /** `upstream`: hand the request over from here. `file`: somebody carries it. */
  readonly deliver: 'upstream' | 'file';
  /** How long between two looks for the account-key when nobody says that it came. Seconds; grows to a hundred times that. */
  readonly lookEverySeconds: number;
}

/** A signing key to be put in an old one's place. */
export interface RotateSigningKeyInput extends CreateSigningKeyInput {
  /** SHA3-384 of the key whose policies move. */
  readonly oldKeyId: string;
  /** As of a registration. */
  readonly deliver: RegisterSigningKeyInput['deliver'];
  /** As of a registration. */
  readonly lookEverySeconds: number;
  /** Whoever asks knows that the new account-key may lack bounds that were asked for. */
  readonly acceptsWider: boolean;
}

/** What may be said anew to a rotation that runs; one of another name is left alone. */
export type RotateAgain = Pick<RotateSigningKeyInput, 'name' | 'deliver' | 'acceptsWider'>;

/** How far a rotation is, and to which key. */
export type RotationState = { readonly name: string } & (
  | { readonly step: 'making-key' }
  /** `looking`: whether the account-key has come, because somebody asked. */
  | { readonly step: 'looking' | 'awaiting-account-key'; readonly keyId: string }
  /** `models`: those that sign with the new key. */
  | { readonly step: 'rotated'; readonly keyId: string; readonly models: readonly string[] }
);

/** A signing key to be deleted, from the HSM too. */
export interface DeleteSigningKeyInput {
  readonly keyId: string;
  /** Its CKA_ID. */
  readonly hsmKeyId: string;
  /** The HSM token that holds it; the default token when absent. */
  readonly token?: string;
  /** Whoever asks knows that the key has signed serials. */
  readonly hasSigned?: boolean;
  /** Whoever asks knows that its account-key has not ended yet. */
  readonly beforeUntil?: boolean;
  /** Account id of who asked, for the log. */
  readonly actor: string;
}

/** How far a registration is. */
export type RegistrationState = 'signing-request' | 'handing-over' | 'awaiting-account-key' | 'registered';

/** Workflow ids: a second request for the same thing joins the first. */
export const provisionId = (batch: string) => `provision/${batch}`;
export const createKeyId = (brandId: string, name: string) => `signing-key/${brandId}/${name}`;
export const deleteKeyId = (keyId: string) => `delete-key/${keyId}`;
export const registerKeyId = (keyId: string) => `register-key/${keyId}`;
export const rotateKeyId = (oldKeyId: string) => `rotate-key/${oldKeyId}`;

/** Names of the signals and queries of a registration. */
export const ACCOUNT_KEY_PUSHED = 'accountKeyPushed';
export const REGISTRATION_STATE = 'registrationState';
/** Asks a registration to hand its request over from here, and whether it did. */
export const HAND_OVER = 'handOver';
export const HANDED_OVER = 'handedOver';
/** Names of the signal and query of a rotation. */
export const ROTATE_AGAIN = 'rotateAgain';
export const ROTATION_STATE = 'rotationState';
