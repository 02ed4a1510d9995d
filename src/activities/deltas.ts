import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { AirlockError } from '../errors.ts';
import {
  type BlobStore,
  type Database,
  digestOfFile,
  generation,
  holdLocks,
  noteLooseBlobs,
  parseBlobDigest,
  raiseGeneration,
  withLock,
} from '../storage/index.ts';
import { DELTA_FORMAT, writeDelta } from './delta-file.ts';
import { withHeartbeats } from './heartbeats.ts';
import { dropUnused } from './imports/blobs.ts';
import { FILES_LOCK, IMPORTS_LOCK } from './imports/locks.ts';

/** Two revisions of a snap between which a device may step. */
export interface DeltaPair {
  readonly snapId: string;
  readonly source: { readonly revision: number; readonly digest: string };
  readonly target: { readonly revision: number; readonly digest: string };
}

/** What making deltas needs from the host. */
export interface DeltaDeps {
  readonly database: Pick<Database, 'kind' | 'location' | 'queries' | 'transaction'>;
  readonly blobs: BlobStore;
  readonly now: () => Date;
}

/** From how many of the revisions before a released one devices are helped along. */
const SOURCES = 3;
/** Larger snaps would hold a worker for too long. */
const BYTES_MAX = 2 * 1024 ** 3;

/**
 * The activities that make deltas. A pair for which a delta does not pay is remembered by a row of
 * size 0, which devices never see and which has no file.
 */
export function createDeltaActivities(deps: DeltaDeps) {
  let done = -1;
  return {
    /** Pairs that have no delta yet, at most `limit`; none while nothing changed since all were made. */
    async missingDeltas({ limit }: { readonly limit: number }): Promise<DeltaPair[]> {
      const catalog = await generation(deps.database.queries, 'catalog');
      if (catalog === done) return [];
      const missing = await missingPairs(deps.database.queries, limit);
      if (missing.length === 0) done = catalog;
      return missing;
    },

    /** Makes one delta, unless it does not pay, or a file or revision is gone. Gives whether there is one now. */
    makeDelta: (pair: DeltaPair): Promise<boolean> =>
      withHeartbeats((signal) => makeDelta(deps, pair, signal)),
  };
}

/** The type that workflows see. */
export type DeltaActivities = ReturnType<typeof createDeltaActivities>;

async function missingPairs(queries: Database['queries'], limit: number): Promise<DeltaPair[]> {
  const [released, revisions, present] = await Promise.all([
    queries
      .selectFrom('ChannelRelease')
      .select(['snapId', 'revision'])
      .distinct()
      .where('endedAt', 'is', null)
      .where('revision', 'is not', null)
      .execute(),
    queries
      .selectFrom('SnapRevision')
      .select(['snapId', 'revision', 'sha3_384', 'architectures'])
      .where('size', '<=', BYTES_MAX)
      .orderBy('revision', 'desc')
      .execute(),
    queries
      .selectFrom('Delta')
      .select(['sourceSha3_384', 'targetSha3_384'])
      .where('format', '=', DELTA_FORMAT)
      .execute(),
  ]);
  const made = new Set(present.map((row) => `${row.sourceSha3_384} ${row.targetSha3_384}`));
  const bySnap = Map.groupBy(revisions, (row) => row.snapId);
  const missing: DeltaPair[] = [];
  for (const { snapId, revision } of released) {
    const all = bySnap.get(snapId) ?? [];
    const target = all.find((row) => row.revision === revision);
    if (target === undefined) continue;
    const before = all.filter((row) => row.revision < target.revision && sameMachine(row, target));
    for (const source of before.slice(0, SOURCES)) {
      if (made.has(`${source.sha3_384} ${target.sha3_384}`) || source.sha3_384 === target.sha3_384) continue;
      missing.push({
        snapId,
        source: { revision: source.revision, digest: source.sha3_384 },
        target: { revision: target.revision, digest: target.sha3_384 },
      });
      if (missing.length === limit) return missing;
    }
  }
  return missing;
}

function sameMachine(
  a: { readonly architectures: readonly string[] },
  b: { readonly architectures: readonly string[] },
): boolean {
  return a.architectures.some((architecture) => b.architectures.includes(architecture));
}

async function makeDelta(deps: DeltaDeps, pair: DeltaPair, signal: AbortSignal): Promise<boolean> {
  const { blobs } = deps;
  const source = await blobs.find(parseBlobDigest(pair.source.digest));
  const target = await blobs.find(parseBlobDigest(pair.target.digest));
  if (source === undefined || target === undefined) return false;
  const output = join(blobs.stagingFolder, `delta-${randomUUID()}`);
  try {
    const make = () =>
      blobs.withFile(source, (from) =>
        blobs.withFile(target, (to) =>
          writeDelta({ source: from, target: to, output }, target.digest, signal),
        ),
      );
    const pays = await make().catch((error: unknown) => {
      // Two files that xdelta3 fails on have no delta. Without the program nothing is remembered: a later run makes up for it.
      if (error instanceof AirlockError) return error.kind === 'unavailable' ? undefined : false;
      throw error;
    });
    if (pays === undefined) return false;
    const recorded = await record(deps, pair, pays ? output : undefined);
    return pays && recorded;
  } finally {
    await rm(output, { force: true });
  }
}

/** Whether it was written down: not when one of the revisions was removed while it was made, or its file by whoever removed them. */
async function record(deps: DeltaDeps, pair: DeltaPair, file: string | undefined): Promise<boolean> {
  const { database, blobs, now } = deps;
  if (file === undefined) return writeRow(deps, pair, { digest: '0'.repeat(96), size: 0 });
  const delta = await digestOfFile(file);
  await noteLooseBlobs(database.queries, [delta.digest], now());
  await blobs.adopt(file, delta.digest);
  const recorded = await withLock(database, FILES_LOCK, async () => {
    // No row names it yet: another that is made of this pair may just have dropped it, because the revisions were gone then.
    if ((await blobs.find(delta.digest)) === undefined) return false;
    return writeRow(deps, pair, delta);
  });
  if (!recorded) await dropUnused(database, blobs, [delta.digest]);
  return recorded;
}

function writeRow(
  { database, now }: DeltaDeps,
  pair: DeltaPair,
  delta: { readonly digest: string; readonly size: number },
): Promise<boolean> {
  return database.transaction(async (queries) => {
    // Whoever removes revisions holds it until what goes with them is gone too.
    await holdLocks(queries, database.kind, [IMPORTS_LOCK]);
    if (!(await areThere(queries, pair))) return false;
    await queries
      .insertInto('Delta')
      .values({
        snapId: pair.snapId,
        format: DELTA_FORMAT,
        sourceRevision: pair.source.revision,
        targetRevision: pair.target.revision,
        sourceSha3_384: pair.source.digest,
        targetSha3_384: pair.target.digest,
        sha3_384: delta.digest,
        size: delta.size,
        createdAt: now().toISOString(),
      })
      .onConflict((conflict) => conflict.columns(['format', 'sourceSha3_384', 'targetSha3_384']).doNothing())
      .execute();
    await raiseGeneration(queries, 'catalog');
    return true;
  });
}

async function areThere(
  queries: Database['queries'],
  { snapId, source, target }: DeltaPair,
): Promise<boolean> {
  const rows = await queries
    .selectFrom('SnapRevision')
    .select(['revision', 'sha3_384'])
    .where('snapId', '=', snapId)
    .where('revision', 'in', [source.revision, target.revision])
    .execute();
  return [source, target].every(({ revision, digest }) =>
    rows.some((row) => row.revision === revision && row.sha3_384 === digest),
  );
}
