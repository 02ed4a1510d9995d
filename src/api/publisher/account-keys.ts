import { Hono } from 'hono';
import { z } from 'zod';

import { decodeAssertion, optionalText } from '../../assertions/index.ts';
import { checkPermission, checkRole, checkStore, grants, PublisherError } from '../../publishers/index.ts';
import { listStores, rolesIn } from '../../storage/authority/index.ts';
import { callerOf, type Caller } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';
import { registerAccountKey, revokeAccountKey } from './key-registration.ts';

const requestSchema = z.object({ account_key_request: z.string() });

/**
 * Registration of account keys (protocol/publishers.md, section 5.2), and their revocation: a publisher's own, and a
 * brand's by an admin of one of its stores, as `store-admin register-key` asks for it.
 */
export function accountKeyRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/dev/api/account/account-key', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const { account_key_request: request } = await jsonBody(context, requestSchema);
    const wanted = optionalText(decodeAssertion(request), 'account-id') ?? '';
    const asking = await accountToSpeakFor(deps, caller, wanted);
    const { accountId, name, keyId } = await registerAccountKey(deps, asking, request, caller.accountId);
    return context.json(
      { account_key: { 'account-id': accountId, name, 'public-key-sha3-384': keyId } },
      201,
    );
  });
  routes.post('/dev/api/account/account-key/:keyId/revoke', async (context) => {
    const caller = await callerOf(deps, context);
    checkPermission(caller.attenuation, 'modify_account_key');
    const keyId = context.req.param('keyId');
    await revokeAccountKey(deps, keyId, caller.accountId, caller.accountId);
    return context.json({ account_key: { 'public-key-sha3-384': keyId, revoked: true } });
  });
  return routes;
}

/** The caller's own account, or the brand of a store that the caller administers. */
async function accountToSpeakFor(deps: PublisherApiDeps, caller: Caller, wanted: string): Promise<string> {
  if (wanted !== caller.accountId && grants(caller.attenuation, 'store_admin')) {
    const { queries } = deps.database;
    const stores = (await listStores(queries)).filter(({ brandId }) => brandId === wanted);
    for (const { id } of stores) {
      if (await administers(deps, caller, id)) return wanted;
    }
  }
  checkPermission(caller.attenuation, 'modify_account_key');
  return caller.accountId;
}

async function administers(deps: PublisherApiDeps, caller: Caller, storeId: string): Promise<boolean> {
  try {
    checkRole(await rolesIn(deps.database.queries, caller.accountId, storeId), 'administer', storeId);
    checkStore(caller.attenuation, storeId);
    return true;
  } catch (error) {
    if (error instanceof PublisherError) return false;
    throw error;
  }
}
