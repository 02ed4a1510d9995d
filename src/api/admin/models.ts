import { Hono } from 'hono';
import { z } from 'zod';

import { apiKeyDigest, OPEN_ENROLMENT, parseApiKey, parseModelName } from '../../devices/index.ts';
import type { Queries } from '../../storage/index.ts';
import {
  addApiKey,
  addModel,
  endApiKey,
  listApiKeys,
  listModels,
  removeModel,
  touchModel,
  type ApiKeyRow,
  type ModelRecord,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  conflict,
  jsonBody,
  people,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
  type Person,
} from './gateway.ts';
import { change, checkNoTwin, modelOfPath, sealName, SHOWN_API_KEY } from './model-lookup.ts';

const newModel = z.object({
  name: z.string(),
  series: z.literal('16', 'only series 16 is known').default('16'),
  'api-key': z.string().nullish(),
});
const changedModel = z.object({ 'api-key': z.string().nullable() });

/** `/v1/brand/{brand}/model` (protocol/operators.md 2.4). */
export function modelRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  const { queries } = deps.database;

  app.get('/', view('list_models'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const shown = await shownKeys(deps, brandId);
    const person = people(deps);
    return c.json(
      await Promise.all((await listModels(queries, brandId)).map((model) => body(model, shown, person))),
    );
  });

  app.post('/', view('create_model'), async (c) => {
    const brandId = c.req.param('brand') ?? '';
    const given = await jsonBody(c, newModel);
    const name = parseModelName(given.name);
    const wanted = given['api-key'] ?? undefined;
    const apiKey = wanted === undefined ? undefined : parseApiKey(wanted);
    const model = await change(
      deps,
      c,
      { act: 'model.create', subject: `${brandId}/${name}` },
      async (tx, at) => {
        const record: ModelRecord = {
          brandId,
          name,
          series: given.series,
          enrolment: { ...OPEN_ENROLMENT },
          createdAt: at.toISOString(),
          createdBy: c.get('actor'),
          modifiedAt: null,
          modifiedBy: null,
        };
        if (!(await addModel(tx, record)))
          throw conflict('model-exists', `cannot create model '${name}': it exists already`);
        if (apiKey !== undefined) await showApiKey(deps, tx, record, { apiKey, at, actor: c.get('actor') });
        return record;
      },
    );
    return c.json(await body(model, await shownKeys(deps, brandId), people(deps)), 201);
  });

  app.get('/:model', view('get_model'), async (c) => {
    const model = await modelOfPath(deps, c);
    return c.json(await body(model, await shownKeys(deps, model.brandId), people(deps)));
  });

  app.patch('/:model', view('update_model'), (c) => patch(deps, c));

  app.delete('/:model', view('delete_model'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    await change(deps, c, { act: 'model.delete', subject: `${brandId}/${name}` }, (tx) =>
      removeModel(tx, brandId, name),
    );
    return c.body(null, 204);
  });
  return app;
}

async function patch(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const model = await modelOfPath(deps, c);
  const { brandId, name } = model;
  const given = (await jsonBody(c, changedModel))['api-key'];
  const apiKey = given === null ? undefined : parseApiKey(given);
  const actor = c.get('actor');
  await change(deps, c, { act: 'model.change-api-key', subject: `${brandId}/${name}` }, async (tx, at) => {
    await endApiKey(tx, { brandId, modelName: name, name: SHOWN_API_KEY }, { revokedAt: at });
    if (apiKey !== undefined) {
      const hash = apiKeyDigest(apiKey, deps.secrets.apiKeyPepper);
      await checkNoTwin(tx, `change the API key of model '${name}'`, { brandId, modelName: name, hash });
      await showApiKey(deps, tx, model, { apiKey, at, actor });
    }
    await touchModel(tx, { brandId, name }, { by: actor, at });
  });
  const changed = await modelOfPath(deps, c);
  return c.json(await body(changed, await shownKeys(deps, brandId), people(deps)));
}

/** Keeps an API key so that it can be shown again: sealed, beside the digest that is compared. */
export async function showApiKey(
  deps: AdminApiDeps,
  queries: Queries,
  model: ModelRecord,
  of: { readonly apiKey: string; readonly at: Date; readonly actor: string },
): Promise<void> {
  const row: ApiKeyRow = {
    brandId: model.brandId,
    modelName: model.name,
    name: SHOWN_API_KEY,
    hash: apiKeyDigest(of.apiKey, deps.secrets.apiKeyPepper),
    sealed: deps.sealer.seal(sealName(model.brandId, model.name), of.apiKey),
    createdAt: of.at.toISOString(),
    createdBy: of.actor,
    validUntil: null,
    lastUsedAt: null,
  };
  await addApiKey(queries, row);
}

async function shownKeys(deps: AdminApiDeps, brandId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await listApiKeys(deps.database.queries, brandId);
  return new Map(
    rows.flatMap(({ modelName, sealed }) =>
      sealed === null ? [] : [[modelName, deps.sealer.open(sealName(brandId, modelName), sealed)] as const],
    ),
  );
}

async function body(
  model: ModelRecord,
  shown: ReadonlyMap<string, string>,
  person: (id: string | null) => Promise<Person | null>,
) {
  return {
    'api-key': shown.get(model.name) ?? null,
    'brand-account-id': model.brandId,
    'created-at': naive(model.createdAt),
    'created-by': await person(model.createdBy),
    'modified-at': naive(model.modifiedAt),
    'modified-by': await person(model.modifiedBy),
    name: model.name,
    series: model.series,
  };
}
