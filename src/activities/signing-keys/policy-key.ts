import { decodeAssertion, isWithinBounds, keyBounds, type Assertion } from '../../assertions/index.ts';
import { checkSigningKey } from '../../devices/index.ts';
import { AirlockError } from '../../errors.ts';
import { findAssertion, type Queries } from '../../storage/index.ts';
import type { SigningKeyRecord } from '../../storage/model-service/index.ts';

/** The account-key of a key, if one was pushed. */
export async function accountKeyOf(queries: Queries, keyId: string): Promise<Assertion | undefined> {
  const kept = await findAssertion(queries, 'account-key', [keyId]);
  return kept && decodeAssertion(kept.bytes);
}

/** The end of a key's account-key, as it says it; undefined where it has none or is not here. */
export async function endOfKey(queries: Queries, keyId: string): Promise<string | undefined> {
  const accountKey = await accountKeyOf(queries, keyId);
  return accountKey && keyBounds(accountKey).until;
}

/**
 * Refuses a key that could not sign a model's serials: without an account-key in force that allows it; and, unless whoever asks
 * accepts it, one whose account-key lacks an end or constraints that were asked for.
 *
 * @throws AirlockError `signing-key-wider`, or `DeviceError` `signing-key-…`
 */
export async function requireKeyForPolicy(
  queries: Queries,
  of: {
    readonly key: SigningKeyRecord;
    readonly brandId: string;
    readonly model: string;
    readonly acceptsWider: boolean;
    readonly now: Date;
  },
): Promise<void> {
  const { key } = of;
  const keyId = key.keyId ?? '';
  const accountKey = await accountKeyOf(queries, keyId);
  checkSigningKey({
    keyId,
    accountKey,
    authorityId: key.brandId,
    now: of.now,
    headers: { 'brand-id': of.brandId, model: of.model },
  });
  if (of.acceptsWider || accountKey === undefined || !isBeyondRequest(accountKey, key)) return;
  throw new AirlockError(
    'conflict',
    'signing-key-wider',
    `cannot put key ${keyId} in the serial policy: its account-key lacks an end or constraints that were asked for; register another key, or use it all the same with --accept-wider (accept-wider=true)`,
  );
}

/** Whether an account-key lets its key do more than its request asks for: a store may know nothing of bounds. */
export function isBeyondRequest(accountKey: Assertion, key: SigningKeyRecord): boolean {
  return !isWithinBounds(keyBounds(accountKey), key.bounds ?? {});
}
