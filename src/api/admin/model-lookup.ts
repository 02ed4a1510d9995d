import { appendAct, raiseGeneration, type Queries } from '../../storage/index.ts';
import { findModel, type ModelRecord } from '../../storage/model-service/index.ts';
import { notFound, type AdminApiDeps, type AdminContext } from './gateway.ts';

/** The name of the API key that the gateway's model object and `list models` show. */
export const SHOWN_API_KEY = 'default';

/** The secret's name under which a shown API key is sealed. */
export function sealName(brandId: string, model: string): string {
  return `model-api-key/${brandId}/${model}`;
}

/** The brand and model that a path names. Throws `resource-not-found`. */
export async function modelOfPath(deps: AdminApiDeps, c: AdminContext): Promise<ModelRecord> {
  const brandId = c.req.param('brand') ?? '';
  const name = c.req.param('model') ?? '';
  const model = await findModel(deps.database.queries, brandId, name);
  if (model === undefined) throw notFound(`the model ${JSON.stringify(name)}`);
  return model;
}

/** Changes something of a brand's in one transaction with its entry in the log; counts from the next request of every process. */
export async function change<Result>(
  deps: AdminApiDeps,
  c: AdminContext,
  act: {
    readonly act: string;
    readonly subject: string;
    readonly details?: Readonly<Record<string, unknown>>;
  },
  work: (queries: Queries, at: Date) => Promise<Result>,
): Promise<Result> {
  return deps.database.transaction(async (queries) => {
    const at = deps.clock();
    const result = await work(queries, at);
    await appendAct(queries, { at, actor: c.get('actor'), ...act });
    await raiseGeneration(queries, 'settings');
    return result;
  });
}
