import { Hono } from 'hono';
import { z } from 'zod';

import { decodeAssertion, encodeStream } from '../../../assertions/index.ts';
import { hsmTokenNames, requireHsmToken } from '../../../config/index.ts';
import { checkAccount } from '../../../publishers/index.ts';
import { authorityAccountId, findAccountKey } from '../../../storage/authority/index.ts';
import { findAssertion, trustedRoots } from '../../../storage/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { ASSERTION_TYPE, documentLimit, jsonBody } from '../http.ts';

const initSchema = z.object({
  accountId: z.string(),
  username: z.string(),
  displayName: z.string(),
  email: z.string(),
  rootToken: z.string().optional(),
  storeToken: z.string().optional(),
});

/** POST /init makes this host an authority; GET /root gives its root of trust, for devices and other hosts. */
export function authorityRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/init', documentLimit, async (context) => {
    const input = await jsonBody(context, initSchema);
    checkAccount({ ...input, id: input.accountId, validation: 'verified' });
    const known = hsmTokenNames(await deps.settings.all());
    for (const token of [input.rootToken, input.storeToken])
      if (token !== undefined) requireHsmToken(known, token);
    const issued = await deps.processes.init(input);
    const keys = issued
      .filter(({ type }) => type === 'account-key')
      .map(({ primaryKey }) => primaryKey[0] ?? '');
    const changed = issued.some((each) => each.changed);
    return context.json(
      { accountId: input.accountId, rootKeyId: keys[0], storeKeyId: keys[1], changed },
      changed ? 201 : 200,
    );
  });
  routes.get('/root', async (context) => {
    const { queries } = deps.database;
    const accountId = await authorityAccountId(queries);
    const roots = (await trustedRoots(queries)).filter(({ headers }) => headers['account-id'] === accountId);
    return context.body(new Uint8Array(encodeStream(roots)), 200, { 'content-type': ASSERTION_TYPE });
  });
  routes.get('/account-keys/:keyId', async (context) => {
    const key = await findAccountKey(deps.database.queries, context.req.param('keyId'));
    if (!key) return context.notFound();
    const account = await findAssertion(deps.database.queries, 'account', [key.accountId]);
    const stream = account ? [decodeAssertion(account.bytes), key.assertion] : [key.assertion];
    return context.body(new Uint8Array(encodeStream(stream)), 200, { 'content-type': ASSERTION_TYPE });
  });
  return routes;
}
