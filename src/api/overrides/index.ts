import { Hono } from 'hono';
import { z } from 'zod';
import { AirlockError } from '../../errors.ts';
import { clientError, isUnforeseen, ERROR_CONTENT_TYPE, storeErrorBody } from '../errors.ts';
import { jsonBody } from '../ops/http.ts';
import type { Override, OverrideBook } from './book.ts';
import { checkReach, type StoreAdmins } from './store-admins.ts';

/** What the overrides' API needs. */
export interface OverridesApiDeps {
  readonly overrides: OverrideBook;
  readonly admins: StoreAdmins;
  readonly report: (error: unknown) => void;
}

/** Paths of the API, on every role. */
export const OVERRIDE_PATHS = ['/v2/auth/issue-store-admin', '/v2/metadata/overrides'] as const;

const SERIES = '16';
const changesSchema = z
  .array(
    z.strictObject({
      snap_name: z.string().min(1).max(64),
      revision: z.int().min(1).max(0x7fff_ffff).nullable(),
      channel: z.string().min(1).max(160),
      series: z.literal(SERIES),
    }),
  )
  .min(1)
  .max(200);

/** The overrides' HTTP API as it is documented (protocol/operators.md 1.5). */
export function createOverridesApi({ overrides, admins, report }: OverridesApiDeps): Hono {
  const app = new Hono();
  app.onError((error) => {
    const told = clientError(error);
    if (isUnforeseen(error)) report(error);
    const stale = told.code === 'discharge-expired';
    // The code is what craft-store acts on, the header what the documents name.
    const body = storeErrorBody(stale ? { ...told, code: 'macaroon-needs-refresh' } : told);
    const headers = {
      'content-type': ERROR_CONTENT_TYPE,
      ...(told.status === 401 && { 'www-authenticate': stale ? 'Macaroon needs_refresh=1' : 'Macaroon' }),
    };
    return new Response(body, { status: told.status, headers });
  });

  app.post('/v2/auth/issue-store-admin', async (context) =>
    context.json({ macaroon: await admins.issue(new URL(context.req.url).host) }),
  );

  app.get('/v2/metadata/overrides/:name', async (context) => {
    const admin = await admins.admit(context.req.header('authorization'));
    requireSeries(context.req.header('x-ubuntu-series'));
    const name = context.req.param('name');
    checkReach(admin, name);
    return context.json({ overrides: (await overrides.list(name)).map(documented) });
  });

  app.post('/v2/metadata/overrides', async (context) => {
    const admin = await admins.admit(context.req.header('authorization'));
    const changes = await jsonBody(context, changesSchema);
    for (const { snap_name, channel } of changes) checkReach(admin, snap_name, channel);
    const wishes = changes.map(({ snap_name: snap, channel, revision }) => ({ snap, channel, revision }));
    return context.json({ overrides: (await overrides.change(wishes, admin.name)).map(documented) });
  });
  return app;
}

function requireSeries(series: string | undefined): void {
  if (series === SERIES) return;
  throw new AirlockError('invalid', 'series-unknown', 'cannot list overrides: send "X-Ubuntu-Series: 16"');
}

function documented(override: Override) {
  return {
    snap_id: override.snapId ?? '',
    snap_name: override.snapName,
    revision: override.revision,
    upstream_revision: override.upstreamRevision,
    channel: override.channel,
    architecture: override.architecture,
    series: SERIES,
  };
}
