import { AirlockError } from '../../errors.ts';
import { checkRelease } from '../../publishers/index.ts';
import { channelName, parseChannel, type Channel } from '../../snaps/index.ts';
import { appendAct } from '../audit-log.ts';
import type { Queries } from '../database.ts';
import { raiseGeneration } from '../generations.ts';

/** Puts a revision into channels, or, with a null revision, closes them. */
export interface ReleaseRequest {
  readonly snapId: string;
  readonly revision: number | null;
  readonly channels: readonly string[];
  readonly actor: string;
  readonly at: string;
}

/**
 * Releases a revision to channels, or closes them, for each architecture that the revision is made for. Call it in a
 * transaction.
 *
 * @throws AirlockError `revision-unknown`; PublisherError `release-refused`; SnapError `channel-invalid`
 */
export async function release(queries: Queries, request: ReleaseRequest): Promise<void> {
  const channels = request.channels.map(parseChannel);
  const architectures = await architecturesOf(queries, request, channels);
  for (const channel of channels) {
    for (const architecture of architectures) await replace(queries, request, channel, architecture);
  }
  await appendAct(queries, {
    at: new Date(request.at),
    actor: request.actor,
    act: request.revision === null ? 'channel.close' : 'snap.release',
    subject: request.snapId,
    details: { revision: request.revision, channels: channels.map(channelName) },
  });
  await raiseGeneration(queries, 'catalog');
}

/** The architectures to write rows for; a close is for every architecture that the channel holds now. */
async function architecturesOf(
  queries: Queries,
  { snapId, revision }: ReleaseRequest,
  channels: readonly Channel[],
): Promise<readonly string[]> {
  if (revision === null) {
    const rows = await queries
      .selectFrom('ChannelRelease')
      .select('architecture')
      .distinct()
      .where('snapId', '=', snapId)
      .where('endedAt', 'is', null)
      .execute();
    return rows.map((row) => row.architecture);
  }
  const row = await queries
    .selectFrom('SnapRevision')
    .innerJoin('Snap', 'Snap.snapId', 'SnapRevision.snapId')
    .select(['Snap.name', 'SnapRevision.architectures', 'SnapRevision.grade', 'SnapRevision.confinement'])
    .where('SnapRevision.snapId', '=', snapId)
    .where('SnapRevision.revision', '=', revision)
    .executeTakeFirst();
  if (!row) {
    const sentence = `cannot release revision ${revision}: the snap has no such revision`;
    throw new AirlockError('not-found', 'revision-unknown', sentence);
  }
  const snap = {
    name: row.name,
    grade: row.grade === 'devel' ? 'devel' : 'stable',
    confinement: row.confinement === 'devmode' ? 'devmode' : 'strict',
  } as const;
  for (const channel of channels) checkRelease(snap, channel);
  return row.architectures;
}

async function replace(
  queries: Queries,
  { snapId, revision, at }: ReleaseRequest,
  channel: Channel,
  architecture: string,
): Promise<void> {
  const slot = {
    snapId,
    track: channel.track,
    risk: channel.risk,
    branch: channel.branch ?? '',
    architecture,
  };
  const present = await queries
    .selectFrom('ChannelRelease')
    .select(['id', 'revision', 'percentage'])
    .where((eb) => eb.and(slot))
    .where('endedAt', 'is', null)
    .execute();
  const [only, ...others] = present;
  if (only?.revision === revision && only.percentage === null && others.length === 0) return;
  if (revision === null && present.length === 0) return;
  await queries
    .updateTable('ChannelRelease')
    .set({ endedAt: at })
    .where((eb) => eb.and(slot))
    .where('endedAt', 'is', null)
    .execute();
  await queries
    .insertInto('ChannelRelease')
    .values({ ...slot, revision, releasedAt: at, paused: false })
    .execute();
}
