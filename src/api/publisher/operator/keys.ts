import { Hono } from 'hono';

import { encodeStream, decodeAssertion, text } from '../../../assertions/index.ts';
import { accountKeysOf, findAccount } from '../../../storage/authority/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { ASSERTION_TYPE, documentLimit } from '../http.ts';
import { registerAccountKey, revokeAccountKey } from '../key-registration.ts';

/** Account keys: POST an account-key-request that somebody carried in, get the account-key to carry back. */
export function keyRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.get('/accounts/:account/account-keys', async (context) => {
    const account = await findAccount(deps.database.queries, context.req.param('account'));
    const keys = await accountKeysOf(deps.database.queries, account.id);
    return context.json({
      keys: keys.map(({ keyId, name, since, until, revoked }) => ({
        keyId,
        name,
        since,
        until: until ?? null,
        revoked,
      })),
    });
  });
  routes.post('/account-keys', documentLimit, async (context) => {
    const request = await context.req.text();
    const accountId = text(decodeAssertion(request), 'account-id');
    const { assertion } = await registerAccountKey(deps, accountId, request, 'operator');
    return context.body(new Uint8Array(encodeStream([assertion])), 201, { 'content-type': ASSERTION_TYPE });
  });
  routes.post('/account-keys/:keyId/revoke', async (context) => {
    const revoked = await revokeAccountKey(deps, context.req.param('keyId'), 'operator');
    return context.body(new Uint8Array(encodeStream([revoked])), 200, { 'content-type': ASSERTION_TYPE });
  });
  return routes;
}
