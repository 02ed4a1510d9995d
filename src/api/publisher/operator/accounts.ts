import { Hono } from 'hono';
import { z } from 'zod';

import { checkAccount, idFrom, isStoreRole, PublisherError, STORE_ROLES } from '../../../publishers/index.ts';
import {
  addAccount,
  findAccount,
  grantRole,
  listAccounts,
  requireStore,
  revokeRole,
} from '../../../storage/authority/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { documentLimit, jsonBody } from '../http.ts';

const accountSchema = z.object({
  /** Absent: an id is made. */
  id: z.string().optional(),
  username: z.string(),
  displayName: z.string(),
  email: z.string(),
  validation: z.string().default('unproven'),
});
const roleSchema = z.object({ store: z.string(), account: z.string(), role: z.string() });

/** Accounts of brands, developers and admins, and their roles in stores. */
export function accountRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.get('/accounts', async (context) =>
    context.json({ accounts: await listAccounts(deps.database.queries) }),
  );
  routes.post('/accounts', documentLimit, async (context) => {
    const body = await jsonBody(context, accountSchema);
    const account = checkAccount({ ...body, id: body.id ?? idFrom(deps.random(128)) });
    const at = deps.clock();
    await deps.database.transaction((queries) => addAccount(queries, account, at));
    const request = { kind: 'account', accountId: account.id, asOf: at.toISOString() } as const;
    await deps.processes.issue({ actor: 'operator', requests: [request] });
    return context.json(account, 201);
  });
  routes.post('/roles', documentLimit, async (context) => {
    const grant = await roleOf(deps, await jsonBody(context, roleSchema));
    await deps.database.transaction((queries) => grantRole(queries, grant, deps.clock()));
    return context.json(grant, 201);
  });
  routes.post('/roles/revoke', documentLimit, async (context) => {
    const grant = await roleOf(deps, await jsonBody(context, roleSchema));
    await deps.database.transaction((queries) => revokeRole(queries, grant, deps.clock()));
    return context.json(grant);
  });
  return routes;
}

/** The grant that a request names, with the account by its id. */
async function roleOf(deps: PublisherApiDeps, named: z.infer<typeof roleSchema>) {
  const { store, account: reference, role } = named;
  if (!isStoreRole(role)) {
    const sentence = `cannot use the role "${role.slice(0, 40)}": it is one of ${STORE_ROLES.join(', ')}`;
    throw new PublisherError('invalid', 'invalid-field', sentence);
  }
  const account = await findAccount(deps.database.queries, reference);
  await requireStore(deps.database.queries, store);
  return { storeId: store, accountId: account.id, role };
}
