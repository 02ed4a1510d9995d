import type { Queries } from '../database.ts';

/** What a model's secret is for: deriving claim codes, or signing the questions to its decision webhook. */
export type ModelSecretKind = 'claims' | 'webhook';

/** The salt that a secret of a model is derived with since it was rotated. */
export interface ModelSecretSalt {
  readonly modelName: string;
  readonly kind: string;
  readonly salt: string;
}

/** The salts of a brand's models; those without one were never rotated. */
export async function modelSecretSalts(queries: Queries, brandId: string): Promise<ModelSecretSalt[]> {
  return queries
    .selectFrom('ModelSecret')
    .select(['modelName', 'kind', 'salt'])
    .where('brandId', '=', brandId)
    .execute();
}

/** The salt of one secret; undefined where it was never rotated. */
export async function modelSecretSalt(
  queries: Queries,
  of: { readonly brandId: string; readonly modelName: string; readonly kind: ModelSecretKind },
): Promise<string | undefined> {
  const salts = await modelSecretSalts(queries, of.brandId);
  return salts.find(({ modelName, kind }) => modelName === of.modelName && kind === of.kind)?.salt;
}

/** Puts another salt in force, and so another secret. */
export async function rotateModelSecret(
  queries: Queries,
  of: { readonly brandId: string; readonly modelName: string; readonly kind: ModelSecretKind },
  to: { readonly salt: string; readonly at: Date; readonly actor: string },
): Promise<void> {
  const change = { salt: to.salt, rotatedAt: to.at.toISOString(), rotatedBy: to.actor };
  await queries
    .insertInto('ModelSecret')
    .values({ brandId: of.brandId, modelName: of.modelName, kind: of.kind, ...change })
    .onConflict((conflict) => conflict.columns(['brandId', 'modelName', 'kind']).doUpdateSet(change))
    .execute();
}
