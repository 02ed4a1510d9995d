import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it, vi } from 'vitest';
import { createDeltaActivities, type DeltaPair } from '../../src/activities/deltas.ts';
import { dropUnused } from '../../src/activities/imports/blobs.ts';
import {
  type BlobStore,
  type Database,
  digestOfFile,
  openFileBlobStore,
  parseBlobDigest,
  raiseGeneration,
} from '../../src/storage/index.ts';
import { addSnap, type RevisionRow } from '../api/device/snap-rows.ts';
import { temporaryDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const noise = (seed: string, size: number): Buffer =>
  createHash('shake256', { outputLength: size }).update(seed).digest();

async function place(): Promise<{ database: Database; blobs: BlobStore; folder: string }> {
  const folder = await temporaryFolder();
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  return { database: await temporaryDatabase(), blobs, folder };
}

/** A snap whose revisions have these contents; the last one is released. */
async function publish(
  { database, blobs }: { database: Database; blobs: BlobStore },
  contents: readonly Buffer[],
  yaml = '',
): Promise<void> {
  const revisions: RevisionRow[] = [];
  for (const [index, content] of contents.entries()) {
    const path = join(blobs.stagingFolder, `r${index}`);
    await writeFile(path, content);
    const { digest, size } = await digestOfFile(path);
    await blobs.adopt(path, digest);
    revisions.push({
      revision: index + 1,
      sha3_384: String(digest),
      size,
      snapYaml: `name: agent\nversion: ${index}\n${yaml}`,
    });
  }
  await database.transaction(async (queries) => {
    await addSnap(queries, {
      snapId: 'a'.repeat(32),
      name: 'agent',
      storeId: 'acme',
      private: true,
      publisherId: 'acme',
      revisions,
      releases: [{ channel: 'latest/stable', revision: contents.length }],
    });
    await raiseGeneration(queries, 'catalog');
  });
}

const pairs = (missing: readonly DeltaPair[]): string[] =>
  missing.map(({ source, target }) => `${source.revision} to ${target.revision}`);

describe('deltas', () => {
  it('are missing from the three revisions before a released one', async () => {
    const parts = await place();
    await publish(
      parts,
      ['a', 'b', 'c', 'd', 'e'].map((text) => Buffer.from(text)),
    );
    const { missingDeltas } = createDeltaActivities({ ...parts, now: () => new Date() });
    expect(pairs(await missingDeltas({ limit: 50 }))).toEqual(['4 to 5', '3 to 5', '2 to 5']);
    expect(pairs(await missingDeltas({ limit: 1 }))).toEqual(['4 to 5']);
  });

  it('lead from one file to the other to the bit, and are made once', async () => {
    const parts = await place();
    const before = noise('payload', 400_000);
    const after = Buffer.concat([
      before.subarray(0, 200_000),
      Buffer.from('something new'),
      before.subarray(200_000),
    ]);
    await publish(parts, [before, after]);
    const activities = createDeltaActivities({ ...parts, now: () => new Date() });
    const [pair] = await activities.missingDeltas({ limit: 50 });
    if (pair === undefined) throw new Error('no pair');
    const environment = new MockActivityEnvironment();
    expect(await environment.run(activities.makeDelta, pair)).toBe(true);
    expect(await environment.run(activities.makeDelta, pair)).toBe(true);

    const rows = await parts.database.queries.selectFrom('Delta').selectAll().execute();
    expect(rows).toMatchObject([{ format: 'xdelta3', sourceRevision: 1, targetRevision: 2 }]);
    expect(rows[0]?.size).toBeLessThan(10_000);
    const pathOf = async (digest: string | undefined): Promise<string> =>
      join(parts.folder, 'blobs', (digest ?? '').slice(0, 2), digest ?? '');
    const result = join(parts.folder, 'result');
    await run('xdelta3', [
      '-d',
      '-s',
      await pathOf(pair.source.digest),
      await pathOf(rows[0]?.sha3_384),
      result,
    ]);
    expect((await readFile(result)).equals(after)).toBe(true);

    expect(await activities.missingDeltas({ limit: 50 })).toEqual([]);
    expect(await readdir(parts.blobs.stagingFolder)).toEqual([]);
  });

  it('that do not pay are not kept, and not tried again', async () => {
    const parts = await place();
    await publish(parts, [noise('one', 100_000), noise('another', 100_000)]);
    const activities = createDeltaActivities({ ...parts, now: () => new Date() });
    const [pair] = await activities.missingDeltas({ limit: 50 });
    if (pair === undefined) throw new Error('no pair');
    expect(await new MockActivityEnvironment().run(activities.makeDelta, pair)).toBe(false);
    expect(await activities.missingDeltas({ limit: 50 })).toEqual([]);
    expect(await parts.database.queries.selectFrom('Delta').select('size').execute()).toEqual([{ size: 0 }]);
    expect(await readdir(parts.blobs.stagingFolder)).toEqual([]);
  });

  it('of a revision that went meanwhile are not kept', async () => {
    const parts = await place();
    const before = noise('payload', 100_000);
    await publish(parts, [before, Buffer.concat([before, Buffer.from('more')])]);
    const { queries } = parts.database;
    const adopt = parts.blobs.adopt.bind(parts.blobs);
    vi.spyOn(parts.blobs, 'adopt').mockImplementationOnce(async (file, digest) => {
      const blob = await adopt(file, digest);
      await queries.deleteFrom('SnapRevision').where('revision', '=', 1).execute();
      return blob;
    });
    const activities = createDeltaActivities({ ...parts, now: () => new Date() });
    const [pair] = await activities.missingDeltas({ limit: 50 });
    if (pair === undefined) throw new Error('no pair');
    expect(await new MockActivityEnvironment().run(activities.makeDelta, pair)).toBe(false);
    expect(await queries.selectFrom('Delta').selectAll().execute()).toEqual([]);
    const blobs: string[] = [];
    for await (const { digest } of parts.blobs.list()) blobs.push(digest);
    expect(blobs.toSorted()).toEqual([pair.source.digest, pair.target.digest].toSorted());
  });

  /** What happens to the delta of two revisions that is made while `meanwhile` runs, once its file is adopted. */
  async function madeWhile(
    meanwhile: (parts: Awaited<ReturnType<typeof place>>, digest: string) => unknown,
    moment: 'file' | 'row',
  ) {
    const parts = await place();
    const before = noise('payload', 100_000);
    await publish(parts, [before, Buffer.concat([before, Buffer.from('more')])]);
    const adopted: string[] = [];
    const adopt = parts.blobs.adopt.bind(parts.blobs);
    vi.spyOn(parts.blobs, 'adopt').mockImplementation(async (file, digest) => {
      const blob = await adopt(file, digest);
      adopted.push(digest);
      if (moment === 'file') await meanwhile(parts, digest);
      return blob;
    });
    const transaction: Database['transaction'] = (work) => {
      if (moment === 'row') meanwhile(parts, adopted.join());
      return parts.database.transaction(work);
    };
    const activities = createDeltaActivities({
      blobs: parts.blobs,
      database: { ...parts.database, transaction },
      now: () => new Date(),
    });
    const [pair] = await activities.missingDeltas({ limit: 50 });
    if (pair === undefined) throw new Error('no pair');
    const made = await new MockActivityEnvironment().run(activities.makeDelta, pair);
    const { queries } = parts.database;
    const present = async () => ({
      rows: (await queries.selectFrom('Delta').select('sha3_384').execute()).map((row) => row.sha3_384),
      files: [...(await parts.blobs.findAll(adopted.map(parseBlobDigest))).keys()],
    });
    return { made, adopted, present, missing: () => activities.missingDeltas({ limit: 50 }) };
  }

  it('whose file somebody drops before it has a row are not named, and made again', async () => {
    const { made, present, missing } = await madeWhile(
      ({ database, blobs }, digest) => dropUnused(database, blobs, [digest]),
      'file',
    );
    expect(made).toBe(false);
    expect(await present()).toEqual({ rows: [], files: [] });
    expect(pairs(await missing())).toEqual(['1 to 2']);
  });

  it('keep their file from somebody who wants to drop it while the row is written', async () => {
    const drops: Promise<number>[] = [];
    const { made, adopted, present } = await madeWhile(
      ({ database, blobs }, digest) => drops.push(dropUnused(database, blobs, [digest])),
      'row',
    );
    expect(await Promise.all(drops)).toEqual([0]);
    expect(made).toBe(true);
    expect(await present()).toEqual({ rows: adopted, files: adopted });
  });

  it('wait for files that are gone', async () => {
    const parts = await place();
    const activities = createDeltaActivities({ ...parts, now: () => new Date() });
    const gone = { revision: 1, digest: 'a'.repeat(96) };
    expect(
      await new MockActivityEnvironment().run(activities.makeDelta, {
        snapId: 'x',
        source: gone,
        target: gone,
      }),
    ).toBe(false);
  });
});
