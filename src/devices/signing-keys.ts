import {
  constraintsAllow,
  constraintsMayAllow,
  keyStanding,
  optionalText,
  publicKeyOf,
  text,
  type Assertion,
  type HeaderValue,
} from '../assertions/index.ts';
import { DeviceError } from './errors.ts';

/** What a signing key is to be used for. */
export interface SigningUse {
  /** SHA3-384 of the key. */
  readonly keyId: string;
  /** The key's account-key assertion, if one was pushed. */
  readonly accountKey: Assertion | undefined;
  /** The account that the key is to sign for. */
  readonly authorityId: string;
  readonly now: Date;
  /** The headers of the serial, as far as they are known. */
  readonly headers: Readonly<Record<string, HeaderValue>>;
}

/**
 * Checks that a key may sign serials: its account-key is there, in force, of the right account and not constrained to other
 * assertions. Throws {@link DeviceError} `signing-key-…` with a code for each.
 */
export function checkSigningKey(use: SigningUse): void {
  const { accountKey, keyId } = use;
  if (accountKey === undefined) throw keyUnregistered(keyId);
  checkStanding(accountKey, use);
  const owner = text(accountKey, 'account-id');
  if (owner !== use.authorityId) {
    throw new DeviceError(
      'signing-key-foreign',
      `cannot sign with key ${keyId} for account ${use.authorityId}: its account-key is of account ${owner}`,
    );
  }
  if (!constraintsMayAllow(accountKey, { ...use.headers, type: 'serial', 'authority-id': use.authorityId })) {
    throw constrained(keyId);
  }
}

/**
 * Checks that the constraints of a key's account-key allow just this serial. Of all that it will say nothing is left out of the
 * comparison, for devices leave out nothing either. Throws {@link DeviceError} `signing-key-constrained`.
 */
export function checkSerialAllowed(
  accountKey: Assertion | undefined,
  of: {
    readonly keyId: string;
    readonly headers: Readonly<Record<string, HeaderValue>>;
    readonly body: string;
  },
): void {
  const size = Buffer.byteLength(of.body);
  const headers = {
    ...of.headers,
    type: 'serial',
    ...(size > 0 && { 'body-length': String(size) }),
    'sign-key-sha3-384': of.keyId,
  };
  if (accountKey !== undefined && !constraintsAllow(accountKey, headers)) throw constrained(of.keyId);
}

/** The refusal of a key whose account-key is not here. */
export function keyUnregistered(keyId: string): DeviceError {
  return new DeviceError(
    'signing-key-unregistered',
    `cannot sign with key ${keyId}: its account-key is not here; register the key and push its account-key`,
  );
}

function constrained(keyId: string): DeviceError {
  return new DeviceError(
    'signing-key-constrained',
    `cannot sign with key ${keyId}: the constraints of its account-key do not allow such serials; put another key in the serial policy`,
  );
}

function checkStanding(accountKey: Assertion, { keyId, now }: SigningUse): void {
  switch (keyStanding(accountKey, now)) {
    case 'valid':
      return;
    case 'revoked':
      throw new DeviceError(
        'signing-key-revoked',
        `cannot sign with key ${keyId}: it is revoked; put another key in the serial policy`,
      );
    case 'expired':
      throw new DeviceError(
        'signing-key-expired',
        `cannot sign with key ${keyId}: it expired at ${optionalText(accountKey, 'until') ?? ''}; put another key in the serial policy`,
      );
    case 'not-yet-valid':
      throw new DeviceError(
        'signing-key-not-yet-valid',
        `cannot sign with key ${keyId}: it is valid from ${text(accountKey, 'since')} on; wait until then, or put another key in the serial policy`,
      );
  }
}

/** How a signing key stands, in one word, for lists and status pages. */
export type SigningKeyStanding = 'unregistered' | ReturnType<typeof keyStanding>;

/** See {@link SigningKeyStanding}. */
export function signingKeyStanding(accountKey: Assertion | undefined, now: Date): SigningKeyStanding {
  return accountKey === undefined ? 'unregistered' : keyStanding(accountKey, now);
}

/** Whether an account-key is the one of this public key: of its very bytes, not only of its name. */
export function isAccountKeyOf(accountKey: Assertion, publicKey: string): boolean {
  return publicKeyOf(accountKey).encoded.trim() === publicKey.trim();
}
