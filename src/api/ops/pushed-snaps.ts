import { Hono } from 'hono';
import { z } from 'zod';
import { channelName, isRisk } from '../../snaps/index.ts';
import type { Queries } from '../../storage/index.ts';
import { removalPlan } from './contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';
import type { Processes } from './processes.ts';

const pruneRequest = z.object({ dryRun: z.boolean().default(false) });
const revisionQuery = z.coerce.number().int().min(1);

/** Snaps that are here, and their removal. */
export function pushedSnapRoutes(deps: OpsDeps, processes: Processes): Hono {
  const app = new Hono();
  const remove = (input: { snap: string | null; revision: number | null; dryRun: boolean }) => {
    const id = `remove-snaps/${input.snap ?? 'unused'}/${Buffer.from(deps.random(8)).toString('hex')}`;
    return processes.run('removeSnaps', id, [{ ...input, actor: 'operator' }], removalPlan);
  };

  app.get('/pushed-snaps', async (context) =>
    context.json({ snaps: await listSnaps(deps.database.queries) }),
  );

  app.delete('/pushed-snaps/:name', async (context) => {
    const revision = context.req.query('revision');
    return context.json(
      await remove({
        snap: context.req.param('name'),
        revision: revision === undefined ? null : revisionQuery.parse(revision),
        dryRun: context.req.query('dryRun') === 'true',
      }),
    );
  });

  app.post('/prune', async (context) => {
    const { dryRun } = await jsonBody(context, pruneRequest);
    return context.json(await remove({ snap: null, revision: null, dryRun }));
  });
  return app;
}

async function listSnaps(queries: Queries) {
  const snaps = await queries
    .selectFrom('Snap')
    .select(['snapId', 'name', 'storeId'])
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
  const listed = group(
    await queries.selectFrom('StoreInclusionSnap').select(['snapId', 'storeId']).execute(),
  );
  const whole = await queries
    .selectFrom('StoreInclusion')
    .select(['storeId', 'includedStoreId'])
    .where('allSnaps', '=', true)
    .execute();
  return snaps.map(({ snapId, name, storeId }) => ({
    name,
    snapId,
    stores: [
      ...new Set([
        storeId,
        ...whole.filter((one) => one.includedStoreId === storeId).map((one) => one.storeId),
        ...(listed.get(snapId) ?? []).map((one) => one.storeId),
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
