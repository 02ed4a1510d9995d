import { Hono } from 'hono';
import { z } from 'zod';

import { GENERAL_STORE } from '../../../brands/index.ts';
import { idFrom } from '../../../publishers/index.ts';
import {
  buildPolicySetting,
  findAccount,
  findSnap,
  registerName,
  release,
  requireStore,
  revisionsOf,
} from '../../../storage/authority/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { documentLimit, jsonBody } from '../http.ts';

const snapSchema = z.object({
  name: z.string(),
  publisher: z.string(),
  store: z.string().default(GENERAL_STORE),
  private: z.boolean().default(false),
});
const releaseSchema = z.object({
  snap: z.string(),
  /** Null closes the channels. */
  revision: z.number().int().min(1).nullable(),
  channels: z.array(z.string()).min(1).max(50),
});
const policySchema = z.object({
  requirement: z.enum(['off', 'hold', 'reject']),
  keyIds: z.array(z.string()).max(50).optional(),
});

/** Registered names, releases, and what a snap's publisher demands of uploads. */
export function snapRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/snaps', documentLimit, async (context) => {
    const body = await jsonBody(context, snapSchema);
    const publisher = await findAccount(deps.database.queries, body.publisher);
    await requireStore(deps.database.queries, body.store);
    const snap = {
      snapId: idFrom(deps.random(128)),
      name: body.name,
      storeId: body.store,
      publisherId: publisher.id,
      private: body.private,
    };
    await deps.database.transaction((queries) => registerName(queries, snap, 'operator', deps.clock()));
    return context.json(snap, 201);
  });
  routes.get('/snaps/:name', async (context) => {
    const snap = await findSnap(deps.database.queries, context.req.param('name'));
    return context.json({ ...snap, revisions: await revisionsOf(deps.database.queries, snap.snapId) });
  });
  routes.post('/releases', documentLimit, async (context) => {
    const { snap: name, revision, channels } = await jsonBody(context, releaseSchema);
    const { snapId } = await findSnap(deps.database.queries, name);
    const at = deps.clock().toISOString();
    await deps.database.transaction((queries) =>
      release(queries, { snapId, revision, channels, actor: 'operator', at }),
    );
    return context.json({ snapId, revision, channels });
  });
  routes.put('/snaps/:name/build-policy', documentLimit, async (context) => {
    const policy = await jsonBody(context, policySchema);
    const { snapId } = await findSnap(deps.database.queries, context.req.param('name'));
    const setting = { value: JSON.stringify(policy), secret: false };
    await deps.settings.change(new Map([[buildPolicySetting(snapId), setting]]), deps.clock());
    return context.json({ snapId, ...policy });
  });
  return routes;
}
