import { AirlockError } from '../errors.ts';
import { appendAct, raiseGeneration, type Database, type Queries } from '../storage/index.ts';
import { addPolicy, findSigningKey, holdPolicies, listPolicies } from '../storage/model-service/index.ts';
import { crashPoint } from './crash-point.ts';
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
export async function modelsSignedBy(queries: Queries, brandId: string, keyId: string): Promise<string[]> {
  const inForce = new Map(
    (await listPolicies(queries, brandId)).map((policy) => [policy.modelName, policy.keyId]),
  );
  return [...inForce]
    .filter(([, used]) => used === keyId)
    .map(([model]) => model)
    .toSorted();
}

/** Gives models of a brand a serial policy with a key each. */
export async function givePolicies(
  queries: Queries,
  {
    brandId,
    models,
    keyId,
    actor,
    at,
  }: Pick<PolicyMove, 'brandId' | 'keyId' | 'actor'> & {
    readonly models: readonly string[];
    readonly at: Date;
  },
): Promise<void> {
  const by = { createdAt: at.toISOString(), createdBy: actor };
  for (const modelName of models) await addPolicy(queries, { brandId, modelName, keyId, ...by });
}

/**
 * Moves every policy of the brand that names the old key to the new one, in one transaction, once the new one's account-key is here.
 * Repeatable.
 *
 * @returns the models that sign with the new key; null while its account-key is not here
 * @throws AirlockError `signing-key-unknown`, `signing-key-wider`, or `DeviceError` `signing-key-…`
 */
export async function movePolicies(
  database: Pick<Database, 'kind' | 'transaction'>,
  move: PolicyMove,
  clock: () => Date,
): Promise<string[] | null> {
  const { brandId, keyId } = move;
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
    const models = await modelsSignedBy(queries, brandId, move.oldKeyId);
    for (const model of models) await requireKeyForPolicy(queries, { ...move, key, model, now: at });
    await givePolicies(queries, { ...move, models, at });
    if (models.length > 0) {
      const details = { to: keyId, models, ...(move.acceptsWider && { 'accept-wider': true }) };
      await appendAct(queries, { at, actor: move.actor, act: 'key.rotate', subject: move.oldKeyId, details });
      await raiseGeneration(queries, 'settings');
    }
    crashPoint('rotation-before-commit');
    return modelsSignedBy(queries, brandId, keyId);
  });
}
