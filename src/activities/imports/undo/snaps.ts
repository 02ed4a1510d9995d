import { channelName, isRisk } from '../../../snaps/index.ts';
import { blocked } from '../errors.ts';
import type { Queries } from '../../../storage/index.ts';
import type { Undoing } from './undo.ts';
import { keptRow } from './removed-rows.ts';

/**
 * Puts snaps, revisions, components and channels back. Each row must be as the act left it: what a publisher changed since is
 * not undone with it.
 * @throws ImportError `roll-back-blocked`
 */
export async function undoSnaps(undoing: Undoing): Promise<void> {
  const { queries, undo } = undoing;
  await undoReleases(undoing);
  for (const id of undo.pairsAdded)
    await queries.deleteFrom('SnapResourcePair').where('id', '=', id).execute();
  for (const { id, resourceRevision } of undo.pairsBefore)
    await queries.updateTable('SnapResourcePair').set({ resourceRevision }).where('id', '=', id).execute();
  for (const id of undo.componentsAdded)
    await queries.deleteFrom('SnapResource').where('id', '=', id).execute();
  for (const id of undo.revisionsAdded) await undoRevision(undoing, id);
  for (const id of undo.snapsAdded) await undoSnap(undoing, id);
  for (const before of undo.snapsBefore) await undoDetails(undoing, before);
}

async function undoReleases({ queries, undo, madeAt, subject }: Undoing): Promise<void> {
  const ended = new Set(undo.releasesEnded);
  const places = [];
  for (const id of new Set([...undo.releasesAdded, ...undo.releasesEnded])) {
    const row = await queries
      .selectFrom('ChannelRelease')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw blocked(subject, 'a channel that it set was removed since');
    if (row.endedAt !== (ended.has(id) ? madeAt : null))
      throw blocked(subject, `the channel ${await channelOf(queries, row)} was changed since`);
    places.push(row);
  }
  for (const id of undo.releasesAdded)
    await queries.deleteFrom('ChannelRelease').where('id', '=', id).execute();
  const reopened = places.filter(({ id }) => ended.has(id) && !undo.releasesAdded.includes(id));
  for (const row of reopened) {
    const { snapId, track, risk, branch, architecture } = row;
    const taken = await queries
      .selectFrom('ChannelRelease')
      .select('id')
      .where((eb) => eb.and({ snapId, track, risk, branch, architecture }))
      .where('endedAt', 'is', null)
      .executeTakeFirst();
    if (taken !== undefined)
      throw blocked(subject, `the channel ${await channelOf(queries, row)} was set since`);
  }
  for (const { id } of reopened)
    await queries.updateTable('ChannelRelease').set({ endedAt: null }).where('id', '=', id).execute();
}

/** What people call the place of a release. */
async function channelOf(queries: Queries, place: Place): Promise<string> {
  const { snapId, track, risk, branch, architecture } = place;
  const snap = await queries
    .selectFrom('Snap')
    .select('name')
    .where('snapId', '=', snapId)
    .executeTakeFirst();
  const channel = isRisk(risk) ? channelName({ track, risk, branch: branch || undefined }) : track;
  return `${channel} of ${snap?.name ?? snapId} for ${architecture}`;
}

interface Place {
  readonly snapId: string;
  readonly track: string;
  readonly risk: string;
  readonly branch: string;
  readonly architecture: string;
}

async function undoRevision({ queries, subject }: Undoing, id: number): Promise<void> {
  const row = await queries
    .selectFrom('SnapRevision')
    .select(['snapId', 'revision'])
    .where('id', '=', id)
    .executeTakeFirst();
  // Pruned since: it is gone already, as it should be.
  if (row === undefined) return;
  const { snapId, revision } = row;
  const held = await queries
    .selectFrom('ChannelRelease')
    .selectAll()
    .where('snapId', '=', snapId)
    .where('revision', '=', revision)
    .where('endedAt', 'is', null)
    .executeTakeFirst();
  if (held !== undefined)
    throw blocked(
      subject,
      `its revision ${revision} was released to ${await channelOf(queries, held)} since`,
    );
  await queries
    .deleteFrom('Delta')
    .where('snapId', '=', snapId)
    .where((eb) => eb.or([eb('sourceRevision', '=', revision), eb('targetRevision', '=', revision)]))
    .execute();
  await queries.deleteFrom('SnapRevision').where('id', '=', id).execute();
}

async function undoSnap({ queries, subject }: Undoing, snapId: string): Promise<void> {
  for (const table of ['SnapRevision', 'ChannelRelease', 'SnapResource'] as const) {
    const row = await queries
      .selectFrom(table)
      .innerJoin('Snap', 'Snap.snapId', `${table}.snapId`)
      .select(['Snap.name as name', `${table}.revision as revision`])
      .where(`${table}.snapId`, '=', snapId)
      .executeTakeFirst();
    if (row !== undefined)
      throw blocked(subject, `revision ${row.revision} of its snap ${row.name} came from elsewhere since`);
  }
  await queries.deleteFrom('Snap').where('snapId', '=', snapId).execute();
}

async function undoDetails({ queries, madeAt, subject }: Undoing, before: unknown): Promise<void> {
  const { snapId, ...values } = keptRow.snap(before);
  const result = await queries
    .updateTable('Snap')
    .set(values)
    .where('snapId', '=', snapId)
    .where('changedAt', '=', madeAt)
    .executeTakeFirst();
  if (Number(result.numUpdatedRows) !== 1)
    throw blocked(subject, `the details of its snap ${values.name} were changed since`);
}
