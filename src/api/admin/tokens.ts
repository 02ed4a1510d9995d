import { Hono } from 'hono';
import { z } from 'zod';

import { AirlockError } from '../../errors.ts';
import { tokenDigest } from '../../publishers/index.ts';
import {
  findAccount,
  findTokenByDigest,
  noteTokenUse,
  type TokenRecord,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  authenticated,
  jsonBody,
  notFound,
  queryOf,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';

/** How long a session of the gateway lasts: to the end of the admin token, but at most so many days. */
const SESSION_DAYS = 30;
const DAY_MS = 24 * 3600_000;

const exchange = z.object({
  macaroon: z
    .string()
    .min(1)
    .max(16 * 1024),
});
const revocation = z.object({ 'session-id': z.string().min(1).max(64) });
const listQuery = z.object({ 'include-inactive': z.enum(['true', 'false']).default('false') });

/** `/v1/tokens`: the exported admin token in exchange for a session, who holds it, its account's sessions, and their end. */
export function tokenRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.post('/offline/exchange', view('offline_exchange'), async (c) =>
    c.json({ macaroon: await exchanged(deps, c) }),
  );

  app.get('/whoami', view('whoami'), authenticated(deps), async (c) => {
    const token = c.get('token');
    const account = await findAccount(deps.database.queries, token.accountId);
    const limits = token.attenuation.caveats;
    const acl = limits.flatMap((caveat) => (caveat.condition === 'acl' ? [caveat.permissions] : []))[0];
    return c.json({
      account: {
        email: account?.email ?? null,
        id: token.accountId,
        name: account?.displayName ?? token.accountId,
        username: account?.username ?? token.accountId,
      },
      permissions: acl ?? null,
      channels: null,
      packages: null,
      stores: null,
      expires: naive(token.attenuation.expires?.toISOString() ?? null),
      'session-id': token.sessionId,
    });
  });

  app.get('/', view('list_tokens'), authenticated(deps), async (c) => {
    const all = queryOf(c, listQuery)['include-inactive'] === 'true';
    const rows = await deps.tokens.sessionsOf(c.get('token').accountId);
    return c.json({ macaroons: rows.filter((row) => all || isActive(row, deps.clock())).map(shown) });
  });

  app.post('/revoke', view('revoke_token'), authenticated(deps), async (c) => {
    const sessionId = (await jsonBody(c, revocation))['session-id'];
    const { accountId } = c.get('token');
    const at = deps.clock();
    const rows = await deps.tokens.sessionsOf(accountId);
    if (!rows.some((row) => row.sessionId === sessionId))
      throw notFound(`the session ${JSON.stringify(sessionId)}`);
    // Whoever holds an admin token also holds what it was exchanged for.
    const ended = rows.filter(
      (row) => row.sessionId === sessionId || row.description === descriptionOf(sessionId),
    );
    for (const row of ended)
      await deps.tokens.revoke({ sessionId: row.sessionId, accountId, actor: accountId }, at);
    const left = await deps.tokens.sessionsOf(accountId);
    return c.json({ macaroons: left.filter((row) => isActive(row, at)).map(shown) });
  });
  return app;
}

async function exchanged(deps: AdminApiDeps, c: AdminContext): Promise<string> {
  const { macaroon } = await jsonBody(c, exchange);
  const at = deps.clock();
  const row = await findTokenByDigest(deps.database.queries, tokenDigest(macaroon));
  if (row === undefined || row.kind !== 'admin') {
    throw new AirlockError(
      'invalid',
      'macaroon-invalid',
      'cannot accept the macaroon: it is not the admin token of an imported store',
    );
  }
  if (!isActive(row, at)) {
    throw new AirlockError(
      'unauthenticated',
      'token-expired',
      'cannot accept the admin token: it expired or was revoked',
    );
  }
  const end = Math.min(
    at.getTime() + SESSION_DAYS * DAY_MS,
    row.expiresAt === null ? Infinity : Date.parse(row.expiresAt),
  );
  const issued = await deps.tokens.issue(
    {
      accountId: row.accountId,
      kind: 'publisher',
      description: descriptionOf(row.sessionId),
      expires: new Date(end),
      limits: [],
      actor: row.accountId,
      ...(row.storeId !== null && { storeId: row.storeId }),
      ...(row.brandId !== null && { brandId: row.brandId }),
    },
    new URL(c.req.url).host,
    at,
  );
  await noteTokenUse(deps.database.queries, row.sessionId, at);
  return issued.macaroon;
}

function descriptionOf(adminSession: string): string {
  return `gateway session of ${adminSession}`;
}

function isActive(row: Pick<TokenRecord, 'expiresAt' | 'revokedAt'>, at: Date): boolean {
  return row.revokedAt === null && (row.expiresAt === null || Date.parse(row.expiresAt) > at.getTime());
}

function shown(
  row: Pick<
    TokenRecord,
    'sessionId' | 'description' | 'issuedAt' | 'expiresAt' | 'revokedAt' | 'revokedBy' | 'lastUsedAt'
  >,
) {
  return {
    'session-id': row.sessionId,
    description: row.description,
    'valid-since': naive(row.issuedAt),
    'valid-until': naive(row.expiresAt),
    'revoked-at': naive(row.revokedAt),
    'revoked-by': row.revokedBy,
    'last-used-at': naive(row.lastUsedAt),
  };
}
