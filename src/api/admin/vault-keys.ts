import {
  combinedSource,
  decodeStream,
  sourceOf,
  verifyChain,
  type Assertion,
} from '../../assertions/index.ts';
import type { VaultKey } from '../../devices/index.ts';
import { AirlockError, sentenceOf } from '../../errors.ts';
import { assertionSource, trustedRoots, type Queries } from '../../storage/index.ts';

/**
 * Verifies the account-keys of a Serial Vault's signing keys, and the accounts that came with them, down to a trusted root.
 * Those that do not hold are named with their reason.
 */
export async function verifyVaultKeys(
  queries: Queries,
  keys: readonly VaultKey[],
  now: Date,
): Promise<{ good: Assertion[]; refused: { subject: string; message: string }[] }> {
  const good: Assertion[] = [];
  const refused: { subject: string; message: string }[] = [];
  const trusted = sourceOf(await trustedRoots(queries));
  for (const { keyId, assertions } of keys) {
    try {
      for (const assertion of readKey(keyId, assertions)) {
        const source = combinedSource(sourceOf(good), assertionSource(queries));
        await verifyChain(assertion, { source, trusted, now, sourceIsVerified: true });
        good.push(assertion);
      }
    } catch (error) {
      if (!(error instanceof AirlockError)) throw error;
      refused.push({ subject: keyId, message: sentenceOf(error) });
    }
  }
  return { good, refused };
}

/** The account-key and accounts of one key, accounts first: they are what the key rests on. */
function readKey(keyId: string, text: string): Assertion[] {
  const stream = decodeStream(text);
  const key = stream.find(({ type, primaryKey }) => type === 'account-key' && primaryKey[0] === keyId);
  if (key === undefined) {
    throw new AirlockError('invalid', 'account-key-missing', 'cannot find the account-key of this very key');
  }
  return [...stream.filter(({ type }) => type === 'account'), key];
}
