import { Hono } from 'hono';
import { z } from 'zod';

import { parsePermissions, type Caveat } from '../../../publishers/index.ts';
import { findAccount } from '../../../storage/authority/index.ts';
import type { PublisherApiDeps } from '../deps.ts';
import { documentLimit, jsonBody } from '../http.ts';

const DAY_SECONDS = 24 * 60 * 60;
const names = z.array(z.string().min(1).max(128)).max(200);
const tokenSchema = z.object({
  account: z.string(),
  permissions: names.min(1),
  stores: names.optional(),
  packages: names.optional(),
  channels: names.optional(),
  description: z.string().max(255).default(''),
  /** Seconds; a day unless told, a year at most. */
  ttl: z
    .number()
    .int()
    .min(10)
    .max(366 * DAY_SECONDS)
    .default(DAY_SECONDS),
});

/** Credentials for publishers and brand admins, and their end. */
export function tokenRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/tokens', documentLimit, async (context) => {
    const body = await jsonBody(context, tokenSchema);
    const account = await findAccount(deps.database.queries, body.account);
    const limits: Caveat[] = [
      { condition: 'acl', permissions: parsePermissions(body.permissions) },
      ...(body.stores ? [{ condition: 'store_ids', ids: body.stores } as const] : []),
      ...(body.packages ? [{ condition: 'package', names: body.packages } as const] : []),
      ...(body.channels ? [{ condition: 'channel', patterns: body.channels } as const] : []),
    ];
    const at = deps.clock();
    const expires = new Date(at.getTime() + body.ttl * 1000);
    const { description } = body;
    const request = {
      accountId: account.id,
      kind: 'publisher',
      description,
      expires,
      limits,
      actor: 'operator',
    } as const;
    const issued = await deps.tokens.issue(request, new URL(context.req.url).host, at);
    return context.json({ ...issued, accountId: account.id, expires: expires.toISOString() }, 201);
  });
  routes.get('/accounts/:account/tokens', async (context) => {
    const account = await findAccount(deps.database.queries, context.req.param('account'));
    const sessions = await deps.tokens.sessionsOf(account.id);
    return context.json({
      tokens: sessions.map(({ sessionId, description, issuedAt, expiresAt, revokedAt, lastUsedAt }) => ({
        sessionId,
        description,
        issuedAt,
        expiresAt,
        revokedAt,
        lastUsedAt,
      })),
    });
  });
  routes.post('/tokens/:session/revoke', async (context) => {
    const sessionId = context.req.param('session');
    await deps.tokens.revoke({ sessionId, actor: 'operator' }, deps.clock());
    return context.json({ sessionId });
  });
  return routes;
}
