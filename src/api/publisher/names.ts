import { Hono } from 'hono';
import { z } from 'zod';

import { GENERAL_STORE } from '../../brands/index.ts';
import {
  checkNameRegistration,
  checkPermission,
  checkRole,
  checkStore,
  idFrom,
  parseAccountId,
} from '../../publishers/index.ts';
import { registerName, requireStore, rolesIn } from '../../storage/authority/index.ts';
import { callerOf } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';

const registerSchema = z.object({
  snap_name: z.string(),
  is_private: z.boolean().default(false),
  store: z.string().nullish(),
});

/** POST /dev/api/register-name/ (protocol/publishers.md, section 5.3). In a brand store only its publishers register. */
export function nameRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/dev/api/register-name/', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    checkPermission(caller.attenuation, 'package_register');
    const body = await jsonBody(context, registerSchema);
    const storeId = body.store ?? GENERAL_STORE;
    const { queries } = deps.database;
    if (storeId !== GENERAL_STORE) {
      checkStore(caller.attenuation, storeId);
      checkRole(await rolesIn(queries, caller.accountId, storeId), 'publish', storeId);
      await requireStore(queries, storeId);
    }
    const name = body.snap_name;
    if (context.req.query('dry_run') !== undefined) {
      const holder = await queries
        .selectFrom('Snap')
        .select('publisherId')
        .where('name', '=', name)
        .executeTakeFirst();
      checkNameRegistration(name, parseAccountId(caller.accountId), holder?.publisherId);
      return context.json({ snap_name: name });
    }
    const snapId = idFrom(deps.random(128));
    const snap = { snapId, name, storeId, publisherId: caller.accountId, private: body.is_private };
    await deps.database.transaction((transaction) =>
      registerName(transaction, snap, caller.accountId, deps.clock()),
    );
    return context.json({ snap_id: snapId, snap_name: name }, 201);
  });
  return routes;
}
