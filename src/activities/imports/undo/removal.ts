import {
  appendAct,
  holdLocks,
  keepUndoBlobs,
  noteLooseBlobs,
  parseBlobDigest,
  raiseGeneration,
  releaseUndoBlobs,
  type BlobDigest,
  type BlobStore,
  type Database,
  type Queries,
} from '../../../storage/index.ts';
import type { RemovalInput, RemovalOutcome } from '../../../workflows/import-contract.ts';
import { dropUnused } from '../blobs.ts';
import { IMPORTS_LOCK } from '../locks.ts';
import { ImportError } from '../errors.ts';
import { removalSummary } from '../records.ts';
import { endedBy } from './ended-acts.ts';
import { closeChannels, takeRevisions, takeSnap, type Doomed } from './taken-rows.ts';
import { emptyUndo, type Undo } from './undo.ts';

/** What removal needs from the host. */
export interface RemovalParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: Date;
  /** Tells this run of the workflow from any other: a repeat finds what it did. */
  readonly runId: string;
}

/**
 * Removes a snap or one revision of it: a roll-back brings it back with its files, which stay for that. With neither removes
 * every revision that no channel holds, and the files that are kept for roll-backs alone: a prune, after which imports and
 * removals that need what went can no longer be undone. With `dryRun` only tells.
 * @throws ImportError `snap-unknown`
 */
export async function removeRevisions(input: RemovalInput, parts: RemovalParts): Promise<RemovalOutcome> {
  const { database, blobs, runId } = parts;
  if (input.dryRun) return (await planOf(database.queries, input)).outcome;
  const { outcome, loose } = await database.transaction(async (queries) => {
    await holdLocks(queries, database.kind, [IMPORTS_LOCK]);
    // Looked for under the lock: an attempt that was given up for lost may have ended while this one waited for it.
    const again = await removalSummary(queries, runId);
    if (again !== undefined) return { outcome: again, loose: [] };
    const plan = await planOf(queries, input);
    if (plan.doomed.length === 0 && plan.outcome.past === null) return { outcome: plan.outcome, loose: [] };
    return input.snap === null ? prune(queries, plan, input, parts) : remove(queries, plan, input, parts);
  });
  await dropUnused(database, blobs, loose);
  return outcome;
}

interface RemovalPlan {
  readonly doomed: readonly Doomed[];
  readonly outcome: RemovalOutcome;
}

async function planOf(queries: Queries, input: RemovalInput): Promise<RemovalPlan> {
  const doomed = await findDoomed(queries, input);
  const items = doomed.map(({ name, revision, size }) => ({ name, revision, bytes: size }));
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  const plan = { applied: false, items, freedBytes: 0, keptBytes: bytes, past: null };
  if (input.snap !== null) return { doomed, outcome: plan };
  const past = await endedBy(queries, doomed);
  const kept = past?.items.reduce((sum, item) => sum + item.bytes, 0) ?? 0;
  return { doomed, outcome: { ...plan, freedBytes: bytes + kept, keptBytes: 0, past } };
}

/** A removal that can be undone: its rows go into a record, and their files stay. */
async function remove(
  queries: Queries,
  { doomed, outcome }: RemovalPlan,
  input: RemovalInput,
  { now, runId }: RemovalParts,
): Promise<{ readonly outcome: RemovalOutcome; readonly loose: readonly BlobDigest[] }> {
  const undo = emptyUndo();
  const kept = await takeRevisions(queries, doomed, undo);
  const [first] = doomed;
  if (input.revision === null && first !== undefined) await takeSnap(queries, first.snapId, undo);
  else await closeChannels(queries, doomed, undo, now);
  const done = { ...outcome, applied: true };
  const subject = input.revision === null ? `${input.snap}` : `${input.snap} ${input.revision}`;
  const id = await record(queries, { kind: 'removal', subject, outcome: done, undo, at: now, runId });
  await keepUndoBlobs(queries, id, kept);
  await finish(queries, input, done, now);
  return { outcome: done, loose: [] };
}

/** A removal for good. */
async function prune(
  queries: Queries,
  { doomed, outcome }: RemovalPlan,
  input: RemovalInput,
  { now, runId }: RemovalParts,
): Promise<{ readonly outcome: RemovalOutcome; readonly loose: readonly BlobDigest[] }> {
  const freed = await takeRevisions(queries, doomed, emptyUndo());
  const loose = freed.map(({ digest }) => parseBlobDigest(digest));
  if (outcome.past !== null) {
    const { upToId } = outcome.past;
    loose.push(...(await releaseUndoBlobs(queries, { fromId: 0, toId: upToId })));
    await queries.updateTable('ImportRecord').set({ undo: null }).where('id', '<=', upToId).execute();
  }
  await noteLooseBlobs(queries, [...new Set(loose)], now);
  const done = { ...outcome, applied: true };
  const subject = `${done.items.length} revisions, ${done.past?.items.length ?? 0} files kept for roll-backs`;
  await record(queries, { kind: 'prune', subject, outcome: done, undo: null, at: now, runId });
  await finish(queries, input, done, now);
  return { outcome: done, loose };
}

async function record(
  queries: Queries,
  made: {
    readonly kind: 'removal' | 'prune';
    readonly subject: string;
    readonly outcome: RemovalOutcome;
    readonly undo: Undo | null;
    readonly at: Date;
    readonly runId: string;
  },
): Promise<number> {
  const { kind, subject, outcome, undo, at, runId } = made;
  const added = await queries
    .insertInto('ImportRecord')
    .values({
      digest: '',
      kind,
      storeId: null,
      fileName: subject.slice(0, 255),
      fileIdentity: '',
      exporterFingerprint: null,
      exportedAt: null,
      importedAt: at.toISOString(),
      outcome: kind === 'prune' ? 'pruned' : 'removed',
      summary: { runId, outcome },
      undo,
      undoneBy: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return added.id;
}

async function finish(
  queries: Queries,
  input: RemovalInput,
  { items }: RemovalOutcome,
  at: Date,
): Promise<void> {
  await raiseGeneration(queries, 'catalog');
  await appendAct(queries, {
    at,
    actor: input.actor,
    act: input.snap === null ? 'snap.prune' : 'snap.remove',
    subject: input.snap ?? 'all',
    details: { revisions: items.map(({ name, revision }) => `${name} ${revision}`).slice(0, 1000) },
  });
}

/** The revisions that a removal takes: those that are named, or all that no channel holds. */
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
