import { AirlockError } from '../../errors.ts';
import type { Queries } from '../../storage/index.ts';
import {
  countSignatures,
  modelsUsingKey,
  wasInPolicy,
  type SigningKeyRecord,
} from '../../storage/model-service/index.ts';
import { endOfKey } from './policy-key.ts';

/**
 * Refuses the deletion of a signing key that a policy in force uses, or, unless whoever asks says that they know, that was in one and whose
 * account-key has not ended yet, or that has signed serials: those stay good, but the key on the HSM is gone for good.
 *
 * @throws AirlockError `signing-key-in-use`, `signing-key-kept`, `signing-key-has-signed`
 */
export async function requireDeletable(
  queries: Queries,
  key: SigningKeyRecord,
  of: { readonly hasSigned: boolean; readonly beforeUntil: boolean; readonly now: Date },
): Promise<void> {
  const keyId = key.keyId ?? '';
  const models = await modelsUsingKey(queries, keyId);
  if (models.length > 0) {
    throw new AirlockError(
      'conflict',
      'signing-key-in-use',
      `cannot delete signing key '${key.name}': it is used to sign at least one serial policy, of ${models.join(', ')}; give each of these models a policy with another key first`,
    );
  }
  const until = of.beforeUntil ? undefined : await keptUntil(queries, keyId, of.now);
  if (until !== undefined) {
    throw new AirlockError(
      'conflict',
      'signing-key-kept',
      `cannot delete signing key '${key.name}': it was in a serial policy, and is kept until its account-key ends at ${until}; delete it then, or now with --before-until (before-until=true)`,
    );
  }
  const serials = of.hasSigned ? 0 : await countSignatures(queries, keyId);
  if (serials === 0) return;
  const rest = serials === 1 ? '1 serial in the log rests' : `${String(serials)} serials in the log rest`;
  throw new AirlockError(
    'conflict',
    'signing-key-has-signed',
    `cannot delete signing key '${key.name}': ${rest} on it; to delete it all the same, which leaves them good, add --has-signed (has-signed=true)`,
  );
}

/** The end of the account-key of a key that was in a policy, where that is still to come. */
async function keptUntil(queries: Queries, keyId: string, now: Date): Promise<string | undefined> {
  const until = await endOfKey(queries, keyId);
  if (until === undefined || new Date(until) <= now) return undefined;
  return (await wasInPolicy(queries, keyId)) ? until : undefined;
}
