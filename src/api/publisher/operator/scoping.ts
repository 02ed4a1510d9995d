import { Hono } from 'hono';
import { z } from 'zod';

import { decodeAssertion } from '../../../assertions/index.ts';
import { apartFrom } from '../../../brands/index.ts';
import type { GrantRule } from '../../../workflows/authority-contract.ts';
import { findSnap, requireStore, snapsIn } from '../../../storage/authority/index.ts';
import { findAssertion, loadStoreLines, loadStores } from '../../../storage/index.ts';
import { unscopedGrants } from '../../../snaps/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { documentLimit, jsonBody } from '../http.ts';

const rule: z.ZodType<GrantRule> = z.lazy(() =>
  z.union([z.string(), z.array(rule), z.record(z.string(), rule)]),
);
const rules = z.record(z.string(), rule);
const declareSchema = z.object({ snap: z.string(), plugs: rules.optional(), slots: rules.optional() });
const scopeSchema = z.object({
  store: z.string(),
  /** Absent: every snap of the store. */
  snaps: z.array(z.string()).max(10_000).optional(),
  undo: z.boolean().default(false),
});

/** What snaps get by themselves, and in which stores (seed 002). */
export function scopeRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  const { database } = deps;
  routes.post('/declarations', documentLimit, async (context) => {
    const { snap, plugs, slots } = await jsonBody(context, declareSchema);
    const { snapId } = await findSnap(database.queries, snap);
    const grants = { ...(plugs ? { plugs } : {}), ...(slots ? { slots } : {}) };
    const [issued] = await deps.processes.issue({
      actor: 'operator',
      requests: [{ kind: 'snap-declaration', snapId, grants }],
    });
    return context.json({ snapId, ...issued });
  });
  routes.get('/scope/:store', async (context) => {
    const store = await requireStore(database.queries, context.req.param('store'));
    const snaps = await snapsIn(database.queries, store.id);
    const audits = await Promise.all(
      snaps.map(async ({ snapId, name }) => ({ snapId, name, unscoped: await unscoped(snapId) })),
    );
    return context.json({
      snaps: audits.filter((audit) => audit.unscoped.length > 0),
      apart: await apart(store.id),
    });
  });
  routes.post('/scope', documentLimit, async (context) => {
    const body = await jsonBody(context, scopeSchema);
    const store = await requireStore(database.queries, body.store);
    const chosen = body.snaps
      ? await Promise.all(body.snaps.map((name) => findSnap(database.queries, name)))
      : await snapsIn(database.queries, store.id);
    const snapIds = chosen.map(({ snapId }) => snapId);
    const issued = await deps.processes.scope({
      actor: 'operator',
      snapIds,
      stores: [store.id],
      undo: body.undo,
    });
    return context.json({ issued, apart: await apart(store.id) });
  });

  async function unscoped(snapId: string) {
    const kept = await findAssertion(database.queries, 'snap-declaration', ['16', snapId]);
    return kept ? unscopedGrants(decodeAssertion(kept.bytes).headers) : [];
  }

  /** Stores whose devices see snaps of a store and get nothing that is tied to it. */
  async function apart(storeId: string) {
    return apartFrom(await loadStores(database.queries), await loadStoreLines(database.queries), storeId);
  }
  return routes;
}
