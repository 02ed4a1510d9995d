import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchFigure, BenchReport } from '../../scripts/bench-report.ts';
import { writeStoreExport, issueAdminToken, type ExportDeps } from '../../src/activities/export-store.ts';
import { commitContent, identityOf } from '../../src/activities/import-commit.ts';
import { revisionsOf } from '../../src/activities/import-content.ts';
import { importSummary } from '../../src/activities/import-records.ts';
import { identifyImport, stageImport, stagingFolderOf } from '../../src/activities/import-staging.ts';
import { verifySlice } from '../../src/activities/import-verify.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { addAssertions } from '../../src/storage/index.ts';
import type { ImportInput } from '../../src/workflows/import-contract.ts';
import type { StoreExport } from '../../src/workflows/export-contract.ts';
import { AT, Outside, openHost, type Host } from '../workflows/hosts.ts';

const MiB = 2 ** 20;
const LARGE = { count: 4, bytes: 256 * MiB };
const SMALL = { count: 200, bytes: MiB };

/** Transfer archives: how fast a store is exported and imported, beside what the digests alone cost. */
export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-bench-'));
  try {
    return {
      subject: 'Transfer archives',
      method:
        `One process, database file, no Temporal: the steps of an import are called one after the other, all of them (unpack, verify to the root, read snap.yaml, commit). ` +
        `${LARGE.count} snaps of ${LARGE.bytes / MiB} MiB, and ${SMALL.count} of ${SMALL.bytes / MiB} MiB, real squashfs files that do not compress. ` +
        'The limit is SHA3-384 of the same archive read from the disk, on one core, just before.',
      figures: [...(await largeSnaps(join(folder, 'large'))), ...(await smallSnaps(join(folder, 'small')))],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function largeSnaps(folder: string): Promise<readonly BenchFigure[]> {
  const { outside, inside, close } = await twoHosts(folder, LARGE);
  try {
    const bytes = LARGE.count * LARGE.bytes;
    const exporting = await timed(() => exportStore(outside.host));
    const archive = exporting.value;
    const hashing = await timed(() => digestOf(archive));
    const limit = rate(bytes, hashing.ms);
    const importing = await timed(() => importAll(inside, archive));
    const again = await timed(() => pushAgain(inside, archive));
    const figure = (name: string, value: number, wanted: number): BenchFigure => ({
      name,
      value,
      unit: 'MiB/s',
      limit: { name: 'SHA3-384 from disk', value: limit },
      goal: { text: `at least ${wanted} of the limit`, met: value >= wanted * limit },
    });
    return [
      figure('import', rate(bytes, importing.ms), 0.8),
      figure('export', rate(bytes, exporting.ms), 0.7),
      {
        name: 'second push of the same file',
        value: again.ms,
        unit: 'ms',
        limit: { name: 'first push', value: importing.ms },
        goal: { text: 'under 5 % of the first', met: again.ms < 0.05 * importing.ms },
      },
      {
        name: 'memory while importing',
        value: importing.peak / MiB,
        unit: 'MiB',
        goal: { text: 'flat: under 400 MiB', met: importing.peak < 400 * MiB },
      },
    ];
  } finally {
    await close();
  }
}

async function smallSnaps(folder: string): Promise<readonly BenchFigure[]> {
  const { outside, inside, close } = await twoHosts(folder, SMALL);
  try {
    const archive = await exportStore(outside.host);
    const { ms } = await timed(() => importAll(inside, archive));
    const value = (SMALL.count / ms) * 1000;
    return [
      {
        name: 'snaps of 1 MiB',
        value,
        unit: 'snaps/s',
        goal: { text: 'at least 20 a second', met: value >= 20 },
      },
    ];
  } finally {
    await close();
  }
}

async function twoHosts(folder: string, what: { readonly count: number; readonly bytes: number }) {
  const hosts = await Promise.all(
    ['outside', 'inside'].map(async (name) => {
      await mkdir(join(folder, name), { recursive: true });
      return openHost(join(folder, name));
    }),
  );
  const [outer, inside] = hosts;
  if (outer === undefined || inside === undefined) throw new Error('no hosts');
  const outside = await Outside.on(outer);
  await addAssertions(inside.database.queries, outside.chain.roots, { at: AT, trusted: true });
  for (let n = 0; n < what.count; n++)
    await outside.publish(
      { name: `snap-${n}`, version: '1', type: 'app', base: 'bare', payload: what.bytes },
      { store: 'brand-main', private: true, revision: 1, channels: ['latest/stable'] },
    );
  const close = async () => {
    for (const host of hosts) await host.database.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { outside, inside, close };
}

const wish: StoreExport = {
  kind: 'store',
  store: 'brand-devices',
  channels: [],
  architectures: [],
  keys: [],
  snaps: true,
  exportDir: null,
  admin: null,
  actor: 'operator',
};

async function exportStore(host: Host): Promise<string> {
  const { database, blobs, settings, folder } = host;
  const random = (size: number) => new Uint8Array(size).fill(7);
  const deps: ExportDeps = {
    database,
    blobs,
    settings,
    tokens: new TokenOffice({ database, settings, random }),
    exportFolder: join(folder, 'exports'),
    location: 'bench',
  };
  const token = await issueAdminToken(wish, AT, deps);
  const { files } = await writeStoreExport(wish, AT, token, deps, {});
  return files[0]?.path ?? '';
}

async function inputOf(path: string): Promise<ImportInput> {
  return {
    kind: 'store',
    path,
    assertions: null,
    channels: [],
    pushChannelMap: false,
    exporter: null,
    allowOlder: false,
    digest: await identifyImport('store', path, null),
    actor: 'bench',
  };
}

async function importAll(host: Host, path: string): Promise<void> {
  const { database, blobs } = host;
  const input = await inputOf(path);
  const now = new Date();
  const content = await stageImport(input, { queries: database.queries, blobs, now });
  const folder = stagingFolderOf(blobs, input.digest);
  const revisions = revisionsOf(content).length;
  for (let from = 0; from < revisions; from += 25)
    await verifySlice(folder, content, { from, to: from + 25 }, { queries: database.queries, blobs, now });
  await commitContent(input, folder, content, { database, blobs, now, runId: 'bench' });
  await rm(folder, { recursive: true, force: true });
}

async function pushAgain(host: Host, path: string): Promise<void> {
  const input = await inputOf(path);
  const done = await importSummary(host.database.queries, input.digest, undefined, await identityOf(input));
  if (done === undefined) throw new Error('the second push did not find the first');
}

async function digestOf(path: string): Promise<number> {
  const hash = createHash('sha3-384');
  for await (const chunk of createReadStream(path, { highWaterMark: MiB })) hash.update(chunk);
  hash.digest();
  return (await stat(path)).size;
}

/** How long it took, and the most memory that the process had meanwhile. */
async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number; peak: number }> {
  let peak = process.memoryUsage.rss();
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 100);
  const start = performance.now();
  try {
    const value = await work();
    return { value, ms: performance.now() - start, peak };
  } finally {
    clearInterval(watch);
  }
}

const rate = (bytes: number, ms: number): number => (bytes / MiB / ms) * 1000;
