import { Hono } from 'hono';
import { z } from 'zod';

import { MAX_SERIAL_VAULT_BYTES, OPEN_ENROLMENT, readSerialVault } from '../../devices/index.ts';
import { addAssertions, raiseGeneration } from '../../storage/index.ts';
import { addForeignSerials, addModel, findModel } from '../../storage/model-service/index.ts';
import {
  queryOf,
  textBody,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { change } from './model-lookup.ts';
import { showApiKey } from './models.ts';
import { verifyVaultKeys } from './vault-keys.ts';

const importQuery = z.object({ 'dry-run': z.enum(['true', 'false']).default('false') });
const SPLIT = '; split the signing log, and import one part after the other';

/**
 * `POST /v1/brand/{brand}/serial-vault/import`: takes over a Serial Vault's models with their API keys, the account-keys of
 * its signing keys, and its signing log, whose serial numbers stay those of their device keys. Models that are here already
 * stay as they are. Private keys do not come at all.
 */
export function serialVaultRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.post('/import', view('import_serial_vault'), (c) => importVault(deps, c));
  return app;
}

async function importVault(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const brandId = c.req.param('brand') ?? '';
  const dryRun = queryOf(c, importQuery)['dry-run'] === 'true';
  const vault = readSerialVault(await textBody(c, MAX_SERIAL_VAULT_BYTES, SPLIT), brandId);
  const { models, serials } = vault;
  const keys = await verifyVaultKeys(deps.database.queries, vault.keys, deps.clock());
  const refused = [...vault.refused, ...keys.refused];
  const missing: (typeof models)[number][] = [];
  for (const model of models) {
    if ((await findModel(deps.database.queries, brandId, model.name)) === undefined) missing.push(model);
  }
  const plan = { 'dry-run': dryRun, models: missing.map(({ name }) => name), refused };
  const accountKeys = keys.good.filter(({ type }) => type === 'account-key').length;
  if (dryRun) return c.json({ ...plan, 'account-keys': accountKeys, serials: serials.length });
  const details = { models: missing.length, 'account-keys': accountKeys, serials: serials.length };
  const added = await change(
    deps,
    c,
    { act: 'serial-vault.import', subject: brandId, details },
    async (tx, at) => {
      const actor = c.get('actor');
      for (const { name, apiKey } of missing) {
        const record = {
          brandId,
          name,
          series: '16',
          enrolment: { ...OPEN_ENROLMENT },
          createdAt: at.toISOString(),
          createdBy: actor,
          modifiedAt: null,
          modifiedBy: null,
        };
        if (!(await addModel(tx, record)) || apiKey === undefined) continue;
        await showApiKey(deps, tx, record, { apiKey, at, actor });
      }
      if ((await addAssertions(tx, keys.good, { at })) > 0) await raiseGeneration(tx, 'catalog');
      return addForeignSerials(tx, brandId, serials, { actor, at });
    },
  );
  return c.json({ ...plan, 'account-keys': accountKeys, serials: added }, 201);
}
