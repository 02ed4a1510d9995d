import { AirlockError } from '../../errors.ts';
import { appendAct, raiseGeneration, type Database, type Queries } from '../../storage/index.ts';
import { addPolicy, findSigningKey, holdPolicies, listPolicies } from '../../storage/model-service/index.ts';
import { crashPoint } from '../crash-point.ts';
import { accountKeyOf, requireKeyForPolicy } from './policy-key.ts';

/** Policies that are to move from one key of a brand to another. */
export interface PolicyMove {
  readonly brandId: string;
  readonly oldKeyId: string;
  readonly keyId: string;
  /** Whoever asks knows that the account-key of the new key may lack bounds that were asked for. */
  readonly acceptsWider: boolean;
  /** Account id of who asked, for the log. */
  readonly actor: string;
}

/** The models of a brand whose policy in force names a key, by name. */
async function modelsSignedBy(queries: Queries, brandId: string, keyId: string): Promise<string[]> {
  const inForce = new Map(
    (await listPolicies(queries, brandId)).map((policy) => [policy.modelName, policy.keyId]),
  );
  return [...inForce]
    .filter(([, used]) => used === keyId)
    .map(([model]) => model)
    .toSorted();
}

/** What a move came to. */
export interface MovedPolicies {
  /** The models whose policy it moved, by name. */
  readonly moved: readonly string[];
  /** All models that sign with the new key now: a repeat finds none to move, and the same of these. */
  readonly signing: readonly string[];
}

/**
 * Moves every policy of the brand that names the old key to the new one, in one transaction, once the new one's account-key is here: those
 * that are in force in that moment, each checked, and no others. Where it moves some, that is an act in the log. Repeatable.
 *
 * @returns null while the account-key of the new key is not here
 * @throws AirlockError `signing-key-unknown`, `signing-key-wider`, or `DeviceError` `signing-key-…`
 */
export async function movePolicies(
  database: Pick<Database, 'kind' | 'transaction'>,
  move: PolicyMove,
  clock: () => Date,
): Promise<MovedPolicies | null> {
  const { brandId, keyId, actor } = move;
  return database.transaction(async (queries) => {
    await holdPolicies(queries, database.kind, brandId);
    const key = await findSigningKey(queries, keyId);
    if (key === undefined) {
      throw new AirlockError(
        'not-found',
        'signing-key-unknown',
        `cannot go on with the rotation: the new signing key ${keyId} was deleted; rotate again`,
      );
    }
    if ((await accountKeyOf(queries, keyId)) === undefined) return null;
    const at = clock();
    const moved = await modelsSignedBy(queries, brandId, move.oldKeyId);
    for (const model of moved) await requireKeyForPolicy(queries, { ...move, key, model, now: at });
    const by = { createdAt: at.toISOString(), createdBy: actor };
    for (const modelName of moved) await addPolicy(queries, { brandId, modelName, keyId, ...by });
    if (moved.length > 0) {
      const details = { to: keyId, models: moved, ...(move.acceptsWider && { 'accept-wider': true }) };
      await appendAct(queries, { at, actor, act: 'key.rotate', subject: move.oldKeyId, details });
      await raiseGeneration(queries, 'settings');
    }
    crashPoint('rotation-before-commit');
    return { moved, signing: await modelsSignedBy(queries, brandId, keyId) };
  });
}
