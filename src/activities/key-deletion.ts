import { AirlockError } from '../errors.ts';
import type { Queries } from '../storage/index.ts';
import { countSignatures, modelsUsingKey, type SigningKeyRecord } from '../storage/model-service/index.ts';

/**
 * Refuses the deletion of a signing key that a policy in force uses, or, unless whoever asks says that they know, that has signed
 * serials: those stay good, but the key on the HSM is gone for good.
 *
 * @throws AirlockError `signing-key-in-use`, `signing-key-has-signed`
 */
export async function requireDeletable(
  queries: Queries,
  key: SigningKeyRecord,
  of: { readonly hasSigned: boolean },
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
  const serials = of.hasSigned ? 0 : await countSignatures(queries, keyId);
  if (serials === 0) return;
  const rest = serials === 1 ? '1 serial in the log rests' : `${String(serials)} serials in the log rest`;
  throw new AirlockError(
    'conflict',
    'signing-key-has-signed',
    `cannot delete signing key '${key.name}': ${rest} on it; to delete it all the same, which leaves them good, add --has-signed (has-signed=true)`,
  );
}
