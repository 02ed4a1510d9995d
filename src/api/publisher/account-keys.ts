import { Hono } from 'hono';
import { z } from 'zod';

import { checkPermission } from '../../publishers/index.ts';
import { callerOf } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';
import { registerAccountKey, revokeAccountKey } from './key-registration.ts';

const requestSchema = z.object({ account_key_request: z.string() });

/** Registration of a publisher's own keys (protocol/publishers.md, section 5.2), and their revocation. */
export function accountKeyRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/dev/api/account/account-key', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    checkPermission(caller.attenuation, 'modify_account_key');
    const { account_key_request: request } = await jsonBody(context, requestSchema);
    const key = await registerAccountKey(deps, caller.accountId, request, caller.accountId);
    const { accountId, name, keyId } = key;
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
