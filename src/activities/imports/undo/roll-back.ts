import {
  appendAct,
  holdLocks,
  noteLooseBlobs,
  parseBlobDigest,
  raiseGeneration,
  releaseUndoBlobs,
  type BlobDigest,
  type BlobStore,
  type Database,
  type Queries,
} from '../../../storage/index.ts';
import type { RollBackInput, RollBackOutcome } from '../../../workflows/import-contract.ts';
import { applyUndo } from './apply.ts';
import { assertionDifference, catalogDifference, catalogState } from './catalog-difference.ts';
import { dropUnused } from '../blobs.ts';
import { IMPORTS_LOCK } from '../locks.ts';
import { ImportError } from '../errors.ts';
import { undoSchema, type Undo } from './undo.ts';
import { deltasOf } from './taken-rows.ts';

/** What a roll-back needs from the host. */
export interface RollBackParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: Date;
  /** Tells this run of the workflow from any other: a repeat undoes nothing more. */
  readonly runId: string;
}

/** Changes that a plan lists: what people read, and what fits into one answer. */
const ITEMS_MAX = 5000;

/** Outcomes of records that stand, and that a roll-back would undo. */
export const STANDING = ['imported', 'removed'];

/** One standing import or removal. */
interface Standing {
  readonly id: number;
  readonly kind: string;
  readonly fileName: string;
  readonly importedAt: string;
}

/**
 * Undoes imports and removals from the newest down to the one asked for, all in one transaction, and only when every one of
 * them can be undone; files that nothing speaks of any more go after it. A plan is the same, given up at its end.
 * @throws ImportError `nothing-to-roll-back`, `import-unknown`, `roll-back-blocked`
 */
export async function rollBack(input: RollBackInput, parts: RollBackParts): Promise<RollBackOutcome> {
  const { database } = parts;
  const planned: { outcome?: RollBackOutcome } = {};
  try {
    const { outcome, loose } = await database.transaction(async (queries) => {
      const done = await undoAll(queries, input, parts);
      if (!input.dryRun) return done;
      planned.outcome = { ...done.outcome, applied: false };
      throw new PlanMade();
    });
    return { ...outcome, removedBlobs: await dropUnused(database, parts.blobs, loose) };
  } catch (error) {
    if (error instanceof PlanMade && planned.outcome !== undefined) return planned.outcome;
    throw error;
  }
}

/** Gives up a transaction on purpose. */
class PlanMade extends Error {}

async function undoneBy(queries: Queries, runId: string): Promise<readonly Standing[]> {
  return queries
    .selectFrom('ImportRecord')
    .select(['id', 'kind', 'fileName', 'importedAt'])
    .where('undoneBy', '=', runId)
    .orderBy('id', 'desc')
    .execute();
}

async function undoAll(
  queries: Queries,
  { to, changes = true, actor }: RollBackInput,
  { database, now, runId }: RollBackParts,
): Promise<{ readonly outcome: RollBackOutcome; readonly loose: readonly BlobDigest[] }> {
  await holdLocks(queries, database.kind, [IMPORTS_LOCK]);
  // Looked for under the lock: an attempt that was given up for lost may have ended while this one waited for it.
  const again = await undoneBy(queries, runId);
  if (again.length > 0)
    return {
      outcome: { applied: true, undone: again, items: [], moreItems: 0, removedBlobs: 0 },
      loose: [],
    };
  const undone = await standingDownTo(queries, to);
  const before = changes ? await catalogState(queries) : undefined;
  const loose: BlobDigest[] = [];
  const undos: Undo[] = [];
  for (const record of undone) {
    const done = await undoOne(queries, record, runId);
    loose.push(...done.loose);
    undos.push(done.undo);
  }
  await noteLooseBlobs(queries, [...new Set(loose)], now);
  await raiseGeneration(queries, 'catalog');
  const items =
    before === undefined
      ? []
      : [...catalogDifference(before, await catalogState(queries)), ...assertionDifference(undos)];
  for (const { id, kind, fileName } of undone)
    await appendAct(queries, {
      at: now,
      actor,
      act: 'import.roll-back',
      subject: String(id),
      details: { import: kind, file: fileName },
    });
  return {
    outcome: {
      applied: true,
      undone,
      items: items.slice(0, ITEMS_MAX),
      moreItems: Math.max(items.length - ITEMS_MAX, 0),
      removedBlobs: 0,
    },
    loose,
  };
}

/** The standing records from the newest down to the one asked for. */
async function standingDownTo(queries: Queries, to: number | null): Promise<readonly Standing[]> {
  const newestFirst = queries
    .selectFrom('ImportRecord')
    .select(['id', 'kind', 'fileName', 'importedAt'])
    .where('outcome', 'in', STANDING)
    .orderBy('id', 'desc');
  if (to === null) {
    const [newest] = await newestFirst.limit(1).execute();
    if (newest !== undefined) return [newest];
    throw new ImportError(
      'nothing-to-roll-back',
      'cannot roll back: there is no import and no removal that could be undone',
    );
  }
  const found = await newestFirst.where('id', '>=', to).execute();
  if (found.at(-1)?.id === to) return found;
  throw new ImportError(
    'import-unknown',
    `cannot roll back import ${to}: there is none of that number that still stands; list-imports shows which do`,
  );
}

/** Undoes one record; gives what that took, and the digests of files that may be nobody's now. */
async function undoOne(
  queries: Queries,
  record: Standing,
  runId: string,
): Promise<{ readonly undo: Undo; readonly loose: readonly BlobDigest[] }> {
  const { id } = record;
  const row = await queries
    .selectFrom('ImportRecord')
    .select('undo')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const subject = titleOf(record);
  if (row.undo === null) throw await beyond(queries, id, subject);
  const undo = undoSchema.parse(row.undo);
  const loose = await digestsAdded(queries, undo);
  await applyUndo({ queries, undo, madeAt: record.importedAt, subject });
  await queries
    .updateTable('ImportRecord')
    .set({ outcome: 'rolled-back', undo: null, undoneBy: runId })
    .where('id', '=', id)
    .execute();
  const released = await releaseUndoBlobs(queries, { fromId: id, toId: id });
  return { undo, loose: [...loose, ...released] };
}

function titleOf({ id, kind, fileName }: Standing): string {
  return `${kind === 'removal' ? 'removal' : 'import'} ${id} (${fileName})`;
}

/** Why a record that stands cannot be undone any more. */
async function beyond(queries: Queries, id: number, subject: string): Promise<ImportError> {
  const pruned = await queries
    .selectFrom('ImportRecord')
    .select('importedAt')
    .where('outcome', '=', 'pruned')
    .where('id', '>', id)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return new ImportError(
    'nothing-to-roll-back',
    pruned === undefined
      ? `cannot roll back ${subject}: files that it would bring back were removed before removals could be undone`
      : `cannot roll back ${subject}: prune removed at ${pruned.importedAt} what it would bring back; push an archive of the state that you want`,
  );
}

/** Digests of the files that came with an import, and of the deltas between them and others. */
async function digestsAdded(queries: Queries, undo: Undo): Promise<readonly BlobDigest[]> {
  const digests: string[] = [];
  for (const id of undo.revisionsAdded) {
    const row = await queries
      .selectFrom('SnapRevision')
      .select(['snapId', 'revision', 'sha3_384'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) continue;
    const deltas = await deltasOf(queries, row.snapId, row.revision);
    digests.push(row.sha3_384, ...deltas.flatMap(({ size, sha3_384 }) => (size > 0 ? [sha3_384] : [])));
  }
  for (const id of undo.componentsAdded) {
    const row = await queries
      .selectFrom('SnapResource')
      .select('sha3_384')
      .where('id', '=', id)
      .executeTakeFirst();
    if (row !== undefined) digests.push(row.sha3_384);
  }
  return digests.map(parseBlobDigest);
}
