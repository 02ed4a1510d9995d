import { Hono } from 'hono';
import { z } from 'zod';

import { findAccount, putStore, requireStore, snapsIn } from '../../../storage/authority/index.ts';
import { descendantsOf } from '../../../brands/index.ts';
import { describeStores, loadStoreLines } from '../../../storage/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { documentLimit, jsonBody } from '../http.ts';

const storeSchema = z.object({
  id: z.string(),
  name: z.string().min(1).max(255),
  kind: z.enum(['brand', 'device-view']),
  /** The brand: id, username or e-mail address of its account. */
  brand: z.string(),
  /** The store that it is a sub-store of; null for none, absent for the one that it has. */
  parent: z.string().max(64).nullable().optional(),
  /** Where the store will be, for its store assertion; absent for where it is. */
  url: z.string().max(2048).optional(),
  includes: z
    .array(
      z.object({ store: z.string(), snaps: z.union([z.literal('all'), z.array(z.string()).max(10_000)]) }),
    )
    .max(100)
    .default([]),
  /** Other brands whose stores may include it: accounts as above. */
  sharedWith: z.array(z.string()).max(1000).default([]),
});

/**
 * Brand stores and device-view stores; a store that is there gets the name, inclusions and shares given now. Its assertion tells its
 * ancestors, so those of the stores below it are issued anew with it.
 */
export function storeRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.get('/stores', async (context) =>
    context.json({ stores: await describeStores(deps.database.queries) }),
  );
  routes.get('/stores/:store/snaps', async (context) => {
    const store = await requireStore(deps.database.queries, context.req.param('store'));
    return context.json({ snaps: await snapsIn(deps.database.queries, store.id) });
  });
  routes.post('/stores', documentLimit, async (context) => {
    const { brand, url, includes, sharedWith: others, ...store } = await jsonBody(context, storeSchema);
    const { id: brandId } = await findAccount(deps.database.queries, brand);
    const sharedWith: string[] = [];
    for (const other of others) sharedWith.push((await findAccount(deps.database.queries, other)).id);
    const inclusions = includes.map(({ store: storeId, snaps }) => ({ storeId, snaps }));
    const at = deps.clock();
    await deps.database.transaction((queries) =>
      putStore(queries, { ...store, brandId, includes: inclusions, sharedWith }, at),
    );
    const lines = await loadStoreLines(deps.database.queries);
    const requests = [store.id, ...descendantsOf(lines, store.id)].map((storeId) => ({
      kind: 'store' as const,
      storeId,
      url: storeId === store.id ? (url ?? null) : null,
      asOf: at.toISOString(),
    }));
    await deps.processes.issue({ actor: 'operator', requests });
    const parent = lines.get(store.id)?.parent ?? null;
    return context.json({ ...store, brandId, parent, includes, sharedWith }, 201);
  });
  return routes;
}
