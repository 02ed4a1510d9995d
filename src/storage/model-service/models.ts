import type { Database, Queries } from '../database.ts';
import { holdLocks } from '../locks.ts';

/** A model as the Model Service keeps it. */
export interface ModelRecord {
  readonly brandId: string;
  readonly name: string;
  readonly series: string;
  readonly enrolment: Record<string, unknown>;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly modifiedAt: string | null;
  readonly modifiedBy: string | null;
}

const MODEL = [
  'brandId',
  'name',
  'series',
  'enrolment',
  'createdAt',
  'createdBy',
  'modifiedAt',
  'modifiedBy',
] as const;

/** The models of a brand by name; those of the given names where given. */
export async function listModels(queries: Queries, brandId: string): Promise<ModelRecord[]> {
  return queries.selectFrom('Model').select(MODEL).where('brandId', '=', brandId).orderBy('name').execute();
}

/** One model. */
export async function findModel(
  queries: Queries,
  brandId: string,
  name: string,
): Promise<ModelRecord | undefined> {
  return queries
    .selectFrom('Model')
    .select(MODEL)
    .where('brandId', '=', brandId)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** @returns false when the brand has a model of that name */
export async function addModel(queries: Queries, model: ModelRecord): Promise<boolean> {
  const result = await queries
    .insertInto('Model')
    .values({ ...model, enrolment: { ...model.enrolment } })
    .onConflict((conflict) => conflict.columns(['brandId', 'name']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) === 1;
}

/** Notes that a model was changed, with its new enrolment policy where that is what changed. */
export async function touchModel(
  queries: Queries,
  of: { readonly brandId: string; readonly name: string },
  change: { readonly by: string; readonly at: Date; readonly enrolment?: Record<string, unknown> },
): Promise<void> {
  await queries
    .updateTable('Model')
    .set({
      modifiedAt: change.at.toISOString(),
      modifiedBy: change.by,
      ...(change.enrolment && { enrolment: change.enrolment }),
    })
    .where('brandId', '=', of.brandId)
    .where('name', '=', of.name)
    .execute();
}

/** Removes a model with its API keys, policies and enrolment lists. Its serials stay in the log. */
export async function removeModel(queries: Queries, brandId: string, name: string): Promise<boolean> {
  const result = await queries
    .deleteFrom('Model')
    .where('brandId', '=', brandId)
    .where('name', '=', name)
    .executeTakeFirst();
  await queries.deleteFrom('ApiKey').where('brandId', '=', brandId).where('modelName', '=', name).execute();
  await queries
    .deleteFrom('SerialPolicy')
    .where('brandId', '=', brandId)
    .where('modelName', '=', name)
    .execute();
  await queries
    .deleteFrom('AllowListEntry')
    .where('brandId', '=', brandId)
    .where('modelName', '=', name)
    .execute();
  await queries
    .deleteFrom('EnrolmentRequest')
    .where('brandId', '=', brandId)
    .where('modelName', '=', name)
    .execute();
  return Number(result.numDeletedRows) === 1;
}

/** An API key of a model, without the key. */
export interface ApiKeyRow {
  readonly brandId: string;
  readonly modelName: string;
  readonly name: string;
  readonly hash: string;
  readonly sealed: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly validUntil: string | null;
  readonly lastUsedAt: string | null;
}

const API_KEY = [
  'brandId',
  'modelName',
  'name',
  'hash',
  'sealed',
  'createdAt',
  'createdBy',
  'validUntil',
  'lastUsedAt',
] as const;

/** The API keys of a brand's models that were not revoked, in the order in which they were made. */
export async function listApiKeys(
  queries: Queries,
  brandId: string,
  modelName?: string,
): Promise<ApiKeyRow[]> {
  let query = queries
    .selectFrom('ApiKey')
    .select(API_KEY)
    .where('brandId', '=', brandId)
    .where('revokedAt', 'is', null);
  if (modelName !== undefined) query = query.where('modelName', '=', modelName);
  return query.orderBy('id').execute();
}

/** Adds an API key, in place of a revoked one of the same name. @returns false when the name is in use */
export async function addApiKey(queries: Queries, row: ApiKeyRow): Promise<boolean> {
  await queries
    .deleteFrom('ApiKey')
    .where('brandId', '=', row.brandId)
    .where('modelName', '=', row.modelName)
    .where('name', '=', row.name)
    .where('revokedAt', 'is not', null)
    .execute();
  const result = await queries
    .insertInto('ApiKey')
    .values({ ...row, revokedAt: null })
    .onConflict((conflict) => conflict.columns(['brandId', 'modelName', 'name']).doNothing())
    .executeTakeFirst();
  return Number(result.numInsertedOrUpdatedRows ?? 0) === 1;
}

/** Ends an API key at once, or at a moment to come (`validUntil`). @returns false when there is none of that name */
export async function endApiKey(
  queries: Queries,
  of: { readonly brandId: string; readonly modelName: string; readonly name: string },
  end: { readonly revokedAt: Date } | { readonly validUntil: Date },
): Promise<boolean> {
  const result = await queries
    .updateTable('ApiKey')
    .set(
      'revokedAt' in end
        ? { revokedAt: end.revokedAt.toISOString() }
        : { validUntil: end.validUntil.toISOString(), sealed: null },
    )
    .where('brandId', '=', of.brandId)
    .where('modelName', '=', of.modelName)
    .where('name', '=', of.name)
    .where('revokedAt', 'is', null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}

/** Notes when API keys were used last. */
export async function noteApiKeyUse(
  queries: Queries,
  uses: readonly {
    readonly brandId: string;
    readonly modelName: string;
    readonly name: string;
    readonly at: Date;
  }[],
): Promise<void> {
  for (const use of uses) {
    await queries
      .updateTable('ApiKey')
      .set({ lastUsedAt: use.at.toISOString() })
      .where('brandId', '=', use.brandId)
      .where('modelName', '=', use.modelName)
      .where('name', '=', use.name)
      .execute();
  }
}

/** A revision of a model's serial policy. */
export interface PolicyRecord {
  readonly brandId: string;
  readonly modelName: string;
  readonly revision: number;
  readonly keyId: string;
  readonly createdAt: string;
  readonly createdBy: string;
}

const POLICY = ['brandId', 'modelName', 'revision', 'keyId', 'createdAt', 'createdBy'] as const;

/** The policies of a brand's models that were not deleted, oldest first; the last one of a model is in force. */
export async function listPolicies(
  queries: Queries,
  brandId: string,
  modelName?: string,
): Promise<PolicyRecord[]> {
  let query = queries
    .selectFrom('SerialPolicy')
    .select(POLICY)
    .where('brandId', '=', brandId)
    .where('deletedAt', 'is', null);
  if (modelName !== undefined) query = query.where('modelName', '=', modelName);
  return query.orderBy('revision').execute();
}

/** The policy in force of each model of a brand, by the model's name, with the account of its key where that is here, and the key's name where it is the brand's own. */
export async function policiesInForce(
  queries: Queries,
  brandId: string,
): Promise<(PolicyRecord & { readonly authorityId: string | null; readonly keyName: string | null })[]> {
  return queries
    .selectFrom('SerialPolicy as policy')
    .leftJoin('SigningKey as key', 'key.keyId', 'policy.keyId')
    .leftJoin('SigningKey as own', (join) =>
      join.onRef('own.keyId', '=', 'policy.keyId').onRef('own.brandId', '=', 'policy.brandId'),
    )
    .select(POLICY.map((column) => `policy.${column}` as const))
    .select(['key.brandId as authorityId', 'own.name as keyName'])
    .where('policy.brandId', '=', brandId)
    .where('policy.deletedAt', 'is', null)
    .where((eb) =>
      eb(
        'policy.revision',
        '=',
        eb
          .selectFrom('SerialPolicy as other')
          .select((inner) => inner.fn.max('other.revision').as('newest'))
          .whereRef('other.brandId', '=', 'policy.brandId')
          .whereRef('other.modelName', '=', 'policy.modelName')
          .where('other.deletedAt', 'is', null),
      ),
    )
    .orderBy('policy.modelName')
    .execute();
}

/** In a transaction: holds the serial policies of a brand still until it ends, also against other hosts. */
export async function holdPolicies(queries: Queries, kind: Database['kind'], brandId: string): Promise<void> {
  await holdLocks(queries, kind, [`serial-policies ${brandId}`]);
}

/** Appends a policy revision, under {@link holdPolicies}; deleted ones keep their number. */
export async function addPolicy(
  queries: Queries,
  policy: Omit<PolicyRecord, 'revision'>,
): Promise<PolicyRecord> {
  const last = await queries
    .selectFrom('SerialPolicy')
    .select('revision')
    .where('brandId', '=', policy.brandId)
    .where('modelName', '=', policy.modelName)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst();
  const record = { ...policy, revision: (last?.revision ?? 0) + 1 };
  await queries
    .insertInto('SerialPolicy')
    .values({ ...record, deletedAt: null })
    .execute();
  return record;
}

/** @returns false when there is no such revision */
export async function deletePolicy(
  queries: Queries,
  of: { readonly brandId: string; readonly modelName: string; readonly revision: number },
  at: Date,
): Promise<boolean> {
  const result = await queries
    .updateTable('SerialPolicy')
    .set({ deletedAt: at.toISOString() })
    .where('brandId', '=', of.brandId)
    .where('modelName', '=', of.modelName)
    .where('revision', '=', of.revision)
    .where('deletedAt', 'is', null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows) === 1;
}
