import {
  appendAct,
  noteLooseBlobs,
  parseBlobDigest,
  raiseGeneration,
  type BlobStore,
  type Database,
  type Queries,
} from '../storage/index.ts';
import type { RemovalInput, RemovalOutcome, RollBackOutcome } from '../workflows/import-contract.ts';
import { dropUnused } from './import-commit.ts';
import { ImportError } from './import-errors.ts';
import { applyUndo, undoSchema } from './import-undo.ts';

/** What removal needs from the host. */
export interface RemovalParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: Date;
}

/**
 * Puts back what was there before the newest import that still stands; blobs that nothing speaks of any more go after it.
 * @throws ImportError `nothing-to-roll-back`
 */
export async function rollBackNewest(actor: string, parts: RemovalParts): Promise<RollBackOutcome> {
  const at = parts.now;
  const undone = await parts.database.transaction(async (queries) => {
    const record = await queries
      .selectFrom('ImportRecord')
      .select(['id', 'fileName', 'undo', 'digest'])
      .where('outcome', '=', 'imported')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (record === undefined || record.undo === null)
      throw new ImportError(
        'nothing-to-roll-back',
        'cannot roll back: there is no import that could be undone',
      );
    const undo = undoSchema.parse(record.undo);
    const digests = [
      ...(await digestsOf(queries, 'SnapRevision', undo.revisionsAdded)),
      ...(await digestsOf(queries, 'SnapResource', undo.componentsAdded)),
    ];
    await noteLooseBlobs(queries, digests.map(parseBlobDigest), at);
    await applyUndo(queries, undo);
    await queries
      .updateTable('ImportRecord')
      .set({ outcome: 'rolled-back', undo: null })
      .where('id', '=', record.id)
      .execute();
    await raiseGeneration(queries, 'catalog');
    await appendAct(queries, { at, actor, act: 'import.roll-back', subject: record.digest });
    return { record, digests };
  });
  const removedBlobs = await dropUnused(parts.database.queries, parts.blobs, undone.digests);
  return { importId: undone.record.id, fileName: undone.record.fileName, removedBlobs };
}

async function digestsOf(
  queries: Queries,
  table: 'SnapRevision' | 'SnapResource',
  ids: readonly number[],
): Promise<readonly string[]> {
  const digests: string[] = [];
  for (const id of ids) {
    const row = await queries.selectFrom(table).select('sha3_384').where('id', '=', id).executeTakeFirst();
    if (row !== undefined) digests.push(row.sha3_384);
  }
  return digests;
}

interface Doomed {
  readonly id: number;
  readonly snapId: string;
  readonly name: string;
  readonly revision: number;
  readonly sha3_384: string;
  readonly size: number;
}

/**
 * Removes a snap, one revision of it, or (with neither) every revision that no channel holds and none held within the
 * history that is kept. With `dryRun` only tells what would go. Imports before a removal can no longer be rolled back.
 * @throws ImportError `snap-unknown`
 */
export async function removeRevisions(input: RemovalInput, parts: RemovalParts): Promise<RemovalOutcome> {
  const doomed = await findDoomed(parts.database.queries, input);
  const items = doomed.map(({ name, revision, size }) => ({ name, revision, bytes: size }));
  const freedBytes = doomed.reduce((sum, { size }) => sum + size, 0);
  if (input.dryRun || doomed.length === 0) return { applied: false, items, freedBytes };
  const components = await parts.database.transaction(async (queries) => {
    const freed = await removeComponents(queries, doomed);
    const loose = [...doomed.map(({ sha3_384 }) => sha3_384), ...freed];
    await noteLooseBlobs(queries, loose.map(parseBlobDigest), parts.now);
    for (const { id } of doomed) await queries.deleteFrom('SnapRevision').where('id', '=', id).execute();
    const whole = input.snap !== null && input.revision === null ? doomed[0]?.snapId : undefined;
    if (whole !== undefined) await removeSnap(queries, whole);
    else await closeChannels(queries, doomed, parts.now);
    await queries.updateTable('ImportRecord').set({ undo: null }).execute();
    await raiseGeneration(queries, 'catalog');
    await appendAct(queries, {
      at: parts.now,
      actor: input.actor,
      act: input.snap === null ? 'snap.prune' : 'snap.remove',
      subject: input.snap ?? 'all',
      details: { revisions: items.map(({ name, revision }) => `${name} ${revision}`).slice(0, 1000) },
    });
    return freed;
  });
  await dropUnused(parts.database.queries, parts.blobs, [
    ...doomed.map(({ sha3_384 }) => sha3_384),
    ...components,
  ]);
  return { applied: true, items, freedBytes };
}

async function findDoomed(queries: Queries, input: RemovalInput): Promise<readonly Doomed[]> {
  let query = queries
    .selectFrom('SnapRevision')
    .innerJoin('Snap', 'Snap.snapId', 'SnapRevision.snapId')
    .select([
      'SnapRevision.id as id',
      'SnapRevision.snapId as snapId',
      'Snap.name as name',
      'SnapRevision.revision as revision',
      'SnapRevision.sha3_384 as sha3_384',
      'SnapRevision.size as size',
    ]);
  if (input.snap !== null) query = query.where('Snap.name', '=', input.snap);
  if (input.revision !== null) query = query.where('SnapRevision.revision', '=', input.revision);
  const found = await query.orderBy('Snap.name').orderBy('SnapRevision.revision').execute();
  if (input.snap !== null && found.length === 0)
    throw new ImportError(
      'snap-unknown',
      `cannot remove ${input.snap}${input.revision === null ? '' : ` revision ${input.revision}`}: it is not here; list-pushed-snaps shows what is`,
    );
  if (input.snap !== null) return found;
  const held = new Set<string>();
  const releases = await queries
    .selectFrom('ChannelRelease')
    .select(['snapId', 'revision'])
    .where('endedAt', 'is', null)
    .execute();
  for (const { snapId, revision } of releases) if (revision !== null) held.add(`${snapId} ${revision}`);
  return found.filter(({ snapId, revision }) => !held.has(`${snapId} ${revision}`));
}

/** Removes what goes with these revisions alone, and returns the digests of its files. */
async function removeComponents(queries: Queries, doomed: readonly Doomed[]): Promise<readonly string[]> {
  for (const { snapId, revision } of doomed)
    await queries
      .deleteFrom('SnapResourcePair')
      .where('snapId', '=', snapId)
      .where('snapRevision', '=', revision)
      .execute();
  const freed: string[] = [];
  for (const snapId of new Set(doomed.map((one) => one.snapId))) {
    const paired = await queries
      .selectFrom('SnapResourcePair')
      .select(['resourceName', 'resourceRevision'])
      .where('snapId', '=', snapId)
      .execute();
    const kept = new Set(paired.map((pair) => `${pair.resourceName} ${pair.resourceRevision}`));
    const present = await queries
      .selectFrom('SnapResource')
      .select(['id', 'name', 'revision', 'sha3_384'])
      .where('snapId', '=', snapId)
      .execute();
    for (const { id, name, revision, sha3_384 } of present) {
      if (kept.has(`${name} ${revision}`)) continue;
      await queries.deleteFrom('SnapResource').where('id', '=', id).execute();
      freed.push(sha3_384);
    }
  }
  return freed;
}

async function removeSnap(queries: Queries, snapId: string): Promise<void> {
  await queries.deleteFrom('ChannelRelease').where('snapId', '=', snapId).execute();
  await queries.deleteFrom('StoredAssertion').where('snapId', '=', snapId).execute();
  await queries.deleteFrom('Snap').where('snapId', '=', snapId).execute();
}

async function closeChannels(queries: Queries, doomed: readonly Doomed[], at: Date): Promise<void> {
  for (const { snapId, revision } of doomed)
    await queries
      .updateTable('ChannelRelease')
      .set({ endedAt: at.toISOString() })
      .where('snapId', '=', snapId)
      .where('revision', '=', revision)
      .where('endedAt', 'is', null)
      .execute();
}
