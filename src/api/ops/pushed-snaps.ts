import { Hono } from 'hono';
import { z } from 'zod';
import { visibility } from '../../brands/index.ts';
import { channelName, isRisk } from '../../snaps/index.ts';
import { loadStores, type Queries } from '../../storage/index.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody, queryOf } from './http.ts';
import type { Processes } from './processes.ts';

const pruneRequest = z.object({ dryRun: z.boolean().default(false) });
const removalQuery = z.object({ revision: z.coerce.number().int().min(1).optional() });

/** Snaps that are here, and their removal. */
export function pushedSnapRoutes(deps: OpsDeps, processes: Processes): Hono {
  const app = new Hono();
  const remove = (input: { snap: string | null; revision: number | null; dryRun: boolean }) => {
    const what = input.snap === null ? 'unused' : `${input.snap}/${input.revision ?? 'all'}`;
    const id = `remove-snaps/${what}${input.dryRun ? '/plan' : ''}`;
    return processes.start('removeSnaps', id, [{ ...input, actor: 'operator' }]);
  };

  app.get('/pushed-snaps', async (context) =>
    context.json({ snaps: await listSnaps(deps.database.queries) }),
  );

  app.delete('/pushed-snaps/:name', async (context) => {
    const { revision = null } = queryOf(context, removalQuery);
    return context.json(
      await remove({
        snap: context.req.param('name'),
        revision,
        dryRun: context.req.query('dryRun') === 'true',
      }),
      202,
    );
  });

  app.post('/prune', async (context) => {
    const { dryRun } = await jsonBody(context, pruneRequest);
    return context.json(await remove({ snap: null, revision: null, dryRun }), 202);
  });
  return app;
}

async function listSnaps(queries: Queries) {
  const snaps = await queries
    .selectFrom('Snap')
    .select(['snapId', 'name', 'storeId', 'private'])
    .orderBy('name')
    .execute();
  const revisions = group(
    await queries
      .selectFrom('SnapRevision')
      .select(['snapId', 'revision', 'version', 'size'])
      .orderBy('revision')
      .execute(),
  );
  const releases = group(
    await queries
      .selectFrom('ChannelRelease')
      .select(['snapId', 'track', 'risk', 'branch', 'architecture', 'revision'])
      .where('endedAt', 'is', null)
      .orderBy('id')
      .execute(),
  );
  const views = await loadStores(queries);
  const viewers = [...views.values()]
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .flatMap(({ id, brandId }) =>
      brandId === undefined ? [] : [{ kind: 'device' as const, brandId, storeId: id }],
    );
  return snaps.map(({ snapId, name, storeId, private: isPrivate }) => ({
    name,
    snapId,
    stores: [
      ...new Set([
        storeId,
        ...viewers
          .filter((viewer) => visibility(viewer, { snapId, storeId, private: Boolean(isPrivate) }, views))
          .map((viewer) => viewer.storeId),
      ]),
    ],
    revisions: (revisions.get(snapId) ?? []).map(({ revision, version, size }) => ({
      revision,
      version,
      size,
    })),
    channels: (releases.get(snapId) ?? []).flatMap(({ track, risk, branch, architecture, revision }) =>
      isRisk(risk)
        ? [{ channel: channelName({ track, risk, branch: branch || undefined }), architecture, revision }]
        : [],
    ),
  }));
}

function group<Row extends { readonly snapId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, ({ snapId }) => snapId);
}
