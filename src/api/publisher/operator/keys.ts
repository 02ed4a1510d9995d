import { Hono } from 'hono';

import { z } from 'zod';

import {
  checkConstraints,
  decodeAssertion,
  encodeStream,
  formatTimestamp,
  text,
  type KeyBounds,
} from '../../../assertions/index.ts';
import { keyBoundsFields } from '../../../devices/index.ts';
import { accountKeysOf, findAccount } from '../../../storage/authority/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { ASSERTION_TYPE, documentLimit, queryOf } from '../http.ts';
import { registerAccountKey, revokeAccountKey } from '../key-registration.ts';

/** Narrower bounds than the request asks for; `constraints` is JSON in the form of the assertion. */
const boundsQuery = z.object({
  until: keyBoundsFields.until,
  constraints: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('JSON is needed');
        return z.NEVER;
      }
    })
    .pipe(keyBoundsFields.constraints.unwrap())
    .optional(),
});

function narrowerBounds({ until, constraints }: z.infer<typeof boundsQuery>): KeyBounds {
  if (constraints !== undefined) checkConstraints(constraints);
  return {
    ...(until !== undefined && { until: formatTimestamp(new Date(until)) }),
    ...(constraints !== undefined && { constraints }),
  };
}

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
    const narrower = narrowerBounds(queryOf(context, boundsQuery));
    const { assertion } = await registerAccountKey(deps, accountId, request, 'operator', narrower);
    return context.body(new Uint8Array(encodeStream([assertion])), 201, { 'content-type': ASSERTION_TYPE });
  });
  routes.post('/account-keys/:keyId/revoke', async (context) => {
    const revoked = await revokeAccountKey(deps, context.req.param('keyId'), 'operator');
    return context.body(new Uint8Array(encodeStream([revoked])), 200, { 'content-type': ASSERTION_TYPE });
  });
  return routes;
}
