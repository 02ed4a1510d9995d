import { Hono } from 'hono';
import { AirlockError } from '../../errors.ts';
import { channelName, isRisk, parseChannel, shortChannelName, type Channel } from '../../snaps/index.ts';
import { appendAct, raiseGeneration, type Queries } from '../../storage/index.ts';
import { overrideChange } from './contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';

/** One override, as the documented commands and API show it (protocol/operators.md 1.5). */
interface Override {
  readonly snapName: string;
  readonly channel: string;
  readonly architecture: string;
  readonly revision: number;
  /** What the channel would hold without it. */
  readonly upstreamRevision: number | null;
}

/** What an operator gives devices in place of what a channel holds. */
export function overrideRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  const { queries } = deps.database;

  app.get('/overrides', async (context) =>
    context.json({ overrides: await listOverrides(queries, context.req.query('snap')) }),
  );

  app.post('/overrides', async (context) => {
    const change = await jsonBody(context, overrideChange);
    const { trackGiven: _given, ...channel } = parseChannel(change.channel);
    const at = deps.clock();
    const answer = await deps.database.transaction(async (transaction) => {
      const places = await placesOf(transaction, change.snap, channel);
      const name = channelName(channel);
      await transaction
        .deleteFrom('ChannelOverride')
        .where('snapName', '=', change.snap)
        .where('channel', '=', name)
        .execute();
      const { revision } = change;
      if (revision !== null) await requireRevision(transaction, change.snap, revision);
      for (const { architecture, upstreamRevision } of revision === null ? [] : places)
        await transaction
          .insertInto('ChannelOverride')
          .values({
            snapName: change.snap,
            channel: name,
            architecture,
            revision: revision ?? 0,
            upstreamRevision,
            changedAt: at.toISOString(),
          })
          .execute();
      await raiseGeneration(transaction, 'catalog');
      await appendAct(transaction, {
        at,
        actor: 'operator',
        act: revision === null ? 'override.remove' : 'override.set',
        subject: `${change.snap} ${name}`,
        details: { revision },
      });
      return places;
    });
    return context.json({
      snapName: change.snap,
      channel: shortChannelName(channel),
      places: answer.map(({ architecture, upstreamRevision }) => ({
        architecture,
        revision: change.revision,
        upstreamRevision,
      })),
    });
  });
  return app;
}

async function listOverrides(queries: Queries, snap: string | undefined): Promise<readonly Override[]> {
  let query = queries.selectFrom('ChannelOverride').selectAll();
  if (snap !== undefined) query = query.where('snapName', '=', snap);
  const rows = await query.orderBy('snapName').orderBy('channel').orderBy('architecture').execute();
  return rows.map(({ snapName, channel, architecture, revision, upstreamRevision }) => {
    const { trackGiven: _given, ...parsed } = parseChannel(channel);
    return { snapName, channel: shortChannelName(parsed), architecture, revision, upstreamRevision };
  });
}

/** The architectures that a channel of a snap has, with what it holds for each; those of its revisions where it holds nothing. */
async function placesOf(queries: Queries, snap: string, channel: Channel) {
  const row = await queries.selectFrom('Snap').select('snapId').where('name', '=', snap).executeTakeFirst();
  if (row === undefined)
    throw new AirlockError(
      'not-found',
      'snap-unknown',
      `cannot override ${snap}: it is not here; list-pushed-snaps shows what is`,
    );
  if (!isRisk(channel.risk)) throw new TypeError('internal error: a channel without a risk');
  const held = await queries
    .selectFrom('ChannelRelease')
    .select(['architecture', 'revision'])
    .where('snapId', '=', row.snapId)
    .where('track', '=', channel.track)
    .where('risk', '=', channel.risk)
    .where('branch', '=', channel.branch ?? '')
    .where('endedAt', 'is', null)
    .orderBy('architecture')
    .execute();
  if (held.length > 0)
    return held.map(({ architecture, revision }) => ({ architecture, upstreamRevision: revision }));
  const revisions = await queries
    .selectFrom('SnapRevision')
    .select('architectures')
    .where('snapId', '=', row.snapId)
    .execute();
  const architectures = [...new Set(revisions.flatMap((one) => one.architectures))].sort();
  return architectures.map((architecture) => ({ architecture, upstreamRevision: null }));
}

async function requireRevision(queries: Queries, snap: string, revision: number): Promise<void> {
  const row = await queries
    .selectFrom('SnapRevision')
    .innerJoin('Snap', 'Snap.snapId', 'SnapRevision.snapId')
    .select('SnapRevision.id')
    .where('Snap.name', '=', snap)
    .where('SnapRevision.revision', '=', revision)
    .executeTakeFirst();
  if (row === undefined)
    throw new AirlockError(
      'not-found',
      'revision-unknown',
      `cannot override ${snap} with revision ${revision}: that revision was not pushed here`,
    );
}
