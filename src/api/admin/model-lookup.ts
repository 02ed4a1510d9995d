import { appendAct, raiseGeneration, type Queries } from '../../storage/index.ts';
import { findModel, listApiKeys, type ModelRecord } from '../../storage/model-service/index.ts';
import { conflict, notFound, type AdminApiDeps, type AdminContext } from './gateway.ts';

/** The name of the API key that the gateway's model object and `list models` show; nobody can give it to another. */
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

/** Refuses a second API key of a model that is the same as one of another name: each would outlive the other. Throws `api-key-exists`. */
export async function checkNoTwin(
  queries: Queries,
  wish: string,
  of: { readonly brandId: string; readonly modelName: string; readonly hash: string },
): Promise<void> {
  const twin = (await listApiKeys(queries, of.brandId, of.modelName)).find((row) => row.hash === of.hash);
  if (twin !== undefined)
    throw conflict(
      'api-key-exists',
      `cannot ${wish}: it is the same as '${twin.name}', and would end with it`,
    );
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
