import { Hono } from 'hono';
import { z } from 'zod';

import { parsePermissions, type Attenuation, type Caveat } from '../../publishers/index.ts';
import { findAccount } from '../../storage/authority/index.ts';
import { naive } from '../naive-time.ts';
import { callerOf, type Caller } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';

const HOUR_MS = 3_600_000;
const exchangeSchema = z.object({ macaroon: z.string() });
const mintSchema = z.object({
  permissions: z.array(z.string()).min(1).max(50),
  description: z.string().max(255).default(''),
  /** Seconds. */
  ttl: z
    .number()
    .int()
    .min(10)
    .max(366 * 24 * 3600)
    .default(24 * 3600),
  packages: z
    .array(z.object({ name: z.string() }))
    .max(200)
    .optional(),
  channels: z.array(z.string()).max(200).optional(),
});
const revokeSchema = z.object({ 'session-id': z.string() });

/** Credentials by the gateway's routes (protocol/publishers.md, sections 3.6, 4 and 10). */
export function tokenRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/v1/tokens/offline/exchange', documentLimit, async (context) => {
    const { macaroon } = await jsonBody(context, exchangeSchema);
    const at = deps.clock();
    const given = await deps.tokens.verify(macaroon, at);
    // The new credential carries every limit of the one that it was bought with, and ends no later.
    const limits = given.attenuation.caveats.filter(({ condition }) => !OF_THE_SESSION.has(condition));
    const day = new Date(at.getTime() + 24 * HOUR_MS);
    const end = given.attenuation.expires;
    const issued = await deps.tokens.issue(
      {
        accountId: given.accountId,
        kind: 'publisher',
        description: `exchanged from ${given.sessionId}`,
        expires: end && end < day ? end : day,
        limits,
        actor: given.accountId,
      },
      new URL(context.req.url).host,
      at,
    );
    return context.json({ macaroon: issued.macaroon });
  });
  routes.get('/v1/tokens/whoami', async (context) => {
    const caller = await callerOf(deps, context);
    return context.json(await whoami(deps, caller));
  });
  routes.get('/api/v2/tokens/whoami', async (context) => {
    const caller = await callerOf(deps, context);
    const expires = caller.attenuation.expires?.toISOString().replace('Z', '') ?? null;
    return context.json({ ...(await whoami(deps, caller)), store_ids: null, expires, errors: [] });
  });
  routes.get('/v1/tokens', async (context) => {
    const caller = await callerOf(deps, context);
    return context.json({ macaroons: await sessions(deps, caller.accountId) });
  });
  routes.post('/v1/tokens', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const body = await jsonBody(context, mintSchema);
    const added: Caveat[] = [
      { condition: 'acl', permissions: parsePermissions(body.permissions) },
      ...(body.packages
        ? [{ condition: 'package', names: body.packages.map(({ name }) => name) } as const]
        : []),
      ...(body.channels ? [{ condition: 'channel', patterns: body.channels } as const] : []),
    ];
    const kept = caller.attenuation.caveats.filter(({ condition }) => !OF_THE_SESSION.has(condition));
    const at = deps.clock();
    const wanted = new Date(at.getTime() + body.ttl * 1000);
    const end = caller.attenuation.expires;
    const request = {
      accountId: caller.accountId,
      kind: 'publisher',
      description: body.description,
      expires: end && end < wanted ? end : wanted,
      limits: [...kept, ...added],
      actor: caller.accountId,
    } as const;
    const issued = await deps.tokens.issue(request, new URL(context.req.url).host, at);
    return context.json({ macaroon: issued.macaroon, 'session-id': issued.sessionId });
  });
  routes.post('/v1/tokens/revoke', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const body = await jsonBody(context, revokeSchema);
    const { accountId } = caller;
    await deps.tokens.revoke({ sessionId: body['session-id'], accountId, actor: accountId }, deps.clock());
    return context.json({ macaroons: await sessions(deps, accountId) });
  });
  return routes;
}

/** Caveats that each credential has of its own. */
const OF_THE_SESSION: ReadonlySet<Caveat['condition']> = new Set([
  'account',
  'session_id',
  'valid_since',
  'expires',
]);

async function whoami(deps: PublisherApiDeps, { accountId, attenuation }: Caller) {
  const account = await findAccount(deps.database.queries, accountId);
  return {
    account: { email: account.email, id: account.id, name: account.displayName, username: account.username },
    permissions: listed(attenuation, (caveat) =>
      caveat.condition === 'acl' ? caveat.permissions : undefined,
    ),
    channels: listed(attenuation, (caveat) => (caveat.condition === 'channel' ? caveat.patterns : undefined)),
    packages:
      listed(attenuation, (caveat) => (caveat.condition === 'package' ? caveat.names : undefined))?.map(
        (name) => ({ name }),
      ) ?? null,
  };
}

/** What all lists of one condition have in common; null when there is none. */
function listed(
  { caveats }: Attenuation,
  items: (caveat: Caveat) => readonly string[] | undefined,
): readonly string[] | null {
  const lists = caveats.flatMap((caveat) => {
    const list = items(caveat);
    return list ? [list] : [];
  });
  const [first, ...others] = lists;
  return first ? first.filter((item) => others.every((list) => list.includes(item))) : null;
}

async function sessions(deps: PublisherApiDeps, accountId: string) {
  const rows = await deps.tokens.sessionsOf(accountId);
  return rows.map((row) => ({
    'session-id': row.sessionId,
    description: row.description,
    'valid-since': naive(row.issuedAt),
    'valid-until': naive(row.expiresAt),
    'revoked-at': naive(row.revokedAt),
    'revoked-by': row.revokedBy,
  }));
}
