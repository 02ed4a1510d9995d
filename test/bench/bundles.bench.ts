import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchFigure, BenchReport } from '../../scripts/bench-report.ts';
import { identityOf } from '../../src/activities/imports/commit.ts';
import { importSummary } from '../../src/activities/imports/records.ts';
import { AT, type Host } from '../workflows/hosts.ts';
import { collectGarbage } from './garbage.ts';
import { pushedByCommand } from './push-command.ts';
import {
  digestRate,
  diskRate,
  exportStore,
  fetchAll,
  importStore,
  openStand,
  pushOf,
  rateOf,
  served,
  timed,
  type Stand,
} from './transfer-stand.ts';

const MiB = 2 ** 20;
const LARGE_BYTES = 256 * MiB;
/** AIRLOCK_BENCH_GIB makes the archive larger: 20 is the size that operators carry. */
const LARGE_COUNT = 4 * Number(process.env['AIRLOCK_BENCH_GIB'] ?? 1);
/** About 1 MB each, squashfs and all. AIRLOCK_BENCH_SNAPS makes them fewer. */
const SMALL = { count: Number(process.env['AIRLOCK_BENCH_SNAPS'] ?? 1000), bytes: MiB - 8192 };

const WANTED = { import: 0.8, export: 0.7, fetch: 0.7, again: 0.05, snapsPerSecond: 20 };
const MEMORY = { most: 400 * MiB, growth: 1.1 };

/** Transfer archives: how fast a store is exported, fetched and imported, beside what the digests alone cost. */
export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-bench-'));
  try {
    return {
      subject: 'Transfer archives',
      method:
        `The steps of an export, a fetch and an import are called one after the other in one process with a database file and no Temporal: all of them (for an import unpack, verify to the root, read snap.yaml, commit). ` +
        `A fetch is served by an authority in a process of its own, over HTTP. The command is \`snap-store-proxy push-store\` against \`airlock up\`. ` +
        `${LARGE_COUNT} snaps of ${LARGE_BYTES / MiB} MiB (AIRLOCK_BENCH_GIB=20 makes it 20 GiB), and ${SMALL.count} of 1 MB, real squashfs files that do not compress. ` +
        'The limit is SHA3-384 of the same archive read from the disk past the cache, on one core, just before and just after; the mean counts. What a second push costs is compared with the first of the same bytes. ' +
        'Peaks of memory are those of the whole process while the first and the last half of the bytes pass.',
      figures: [...(await largeSnaps(join(folder, 'large'))), ...(await smallSnaps(join(folder, 'small')))],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function largeSnaps(folder: string): Promise<readonly BenchFigure[]> {
  const bytes = LARGE_COUNT * LARGE_BYTES;
  const stand = await openStand(folder, { count: LARGE_COUNT, bytes: LARGE_BYTES });
  try {
    const { outside, inside, online } = stand;
    const first = await exportStore(outside.host, AT);
    const beside = async (name: string, wanted: number, work: () => Promise<unknown>) => {
      const before = await digestRate(first);
      const { ms, cpuMs } = await timed(work);
      const after = await digestRate(first);
      const limit = (before.rate + after.rate) / 2;
      const value = rateOf(bytes, ms);
      const figure: BenchFigure = {
        name,
        value,
        unit: 'MiB/s',
        limit: { name: 'SHA3-384 from disk', value: limit },
        goal: { text: `at least ${wanted} of the limit`, met: value >= wanted * limit },
      };
      const cpu: BenchFigure = {
        name: `${name}: processor time`,
        value: cpuMs / (bytes / MiB),
        unit: 'ms/MiB',
        limit: { name: 'SHA3-384 from disk', value: (before.cpuMs + after.cpuMs) / 2 },
      };
      return { ms, figures: [figure, cpu] };
    };
    const disk = await diskRate(folder, bytes);
    // The payloads of the snaps that were made are garbage by now.
    collectGarbage();
    const memory = new Memory(bytes);
    const importing = await beside('import', WANTED.import, () =>
      memory.during((onBytes) => importStore(inside, first, onBytes)),
    );
    const exporting = await beside('export', WANTED.export, () => exportStore(outside.host, later(1)));
    const fetching = await served(outside.host, (url) =>
      beside('fetch', WANTED.fetch, () => fetchAll(online, url, LARGE_COUNT)),
    );
    return [
      ...importing.figures,
      ...exporting.figures,
      ...fetching.figures,
      { name: 'the disk alone: as many bytes written and safe', value: disk, unit: 'MiB/s' },
      ...(await secondPushes(stand, first, importing.ms)),
      ...(await byCommand(stand, folder, first, importing.ms)),
      ...memory.figures(),
    ];
  } finally {
    await stand.close();
  }
}

async function secondPushes(stand: Stand, path: string, firstMs: number): Promise<readonly BenchFigure[]> {
  const { inside, outside } = stand;
  const figure = (name: string, ms: number): BenchFigure => ({
    name,
    value: ms,
    unit: 'ms',
    limit: { name: 'first push', value: firstMs },
    goal: { text: 'under 5 % of the first', met: ms < WANTED.again * firstMs },
  });
  const same = await timed(() => findImported(inside, path));
  const copy = `${path}.copy.tar.gz`;
  await copyFile(path, copy);
  await onDisk(copy);
  const copied = await timed(() => importStore(inside, copy));
  await rm(copy);
  await stand.publish('snap-more', SMALL.bytes);
  const newer = await exportStore(outside.host, later(2));
  const renewed = await timed(() => importStore(inside, newer));
  return [
    figure('second push of the same file', same.ms),
    figure('push of a copy of it', copied.ms),
    figure('push of a new export with one snap of 1 MB more', renewed.ms),
  ];
}

async function byCommand(
  stand: Stand,
  folder: string,
  path: string,
  stepsMs: number,
): Promise<readonly BenchFigure[]> {
  const copy = `${path}.copy.tar.gz`;
  await copyFile(path, copy);
  const [first = 0, again = 0, copied = 0] = await pushedByCommand(
    join(folder, 'appliance'),
    stand.outside.chain.roots,
    [path, path, copy],
  );
  await rm(copy);
  const limit = { name: 'the steps alone', value: rateOf(LARGE_COUNT * LARGE_BYTES, stepsMs) };
  return [
    {
      name: 'push-store, the whole command',
      value: rateOf(LARGE_COUNT * LARGE_BYTES, first),
      unit: 'MiB/s',
      limit,
    },
    { name: 'the command again with the same file', value: again, unit: 'ms' },
    { name: 'the command again with a copy', value: copied, unit: 'ms' },
  ];
}

async function smallSnaps(folder: string): Promise<readonly BenchFigure[]> {
  const stand = await openStand(folder, SMALL);
  try {
    const { outside, inside, online } = stand;
    const figure = (name: string, ms: number): BenchFigure => {
      const value = (SMALL.count / ms) * 1000;
      return {
        name: `${SMALL.count} snaps of 1 MB: ${name}`,
        value,
        unit: 'snaps/s',
        goal: { text: `at least ${WANTED.snapsPerSecond} a second`, met: value >= WANTED.snapsPerSecond },
      };
    };
    const exporting = await timed(() => exportStore(outside.host, AT));
    const importing = await timed(() => importStore(inside, exporting.value));
    const fetching = await served(outside.host, (url) => timed(() => fetchAll(online, url, SMALL.count)));
    return [figure('import', importing.ms), figure('export', exporting.ms), figure('fetch', fetching.ms)];
  } finally {
    await stand.close();
  }
}

/** Waits until a file that was just written is safe, so that the disk is not busy with it while something else is measured. */
async function onDisk(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** What the first step of a push does with a file that was imported before. */
async function findImported(host: Host, path: string): Promise<void> {
  const input = await pushOf(path);
  const done = await importSummary(host.database.queries, input.digest, undefined, await identityOf(input));
  if (done === undefined) throw new Error('cannot measure: the second push did not find the first');
}

/** Exports have names to the second, and only a newer one is accepted. */
function later(seconds: number): Date {
  return new Date(AT.getTime() + seconds * 1000);
}

/** Peaks of this process's memory while the first and the last half of so many bytes pass. */
class Memory {
  readonly #bytes: number;
  readonly #peaks = [0, 0];
  #half: 0 | 1 = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  async during(work: (onBytes: (bytes: number) => void) => Promise<void>): Promise<void> {
    const look = () =>
      (this.#peaks[this.#half] = Math.max(this.#peaks[this.#half] ?? 0, process.memoryUsage.rss()));
    const watch = setInterval(look, 50);
    try {
      await work((passed) => {
        if (passed > this.#bytes / 2) this.#half = 1;
      });
    } finally {
      look();
      clearInterval(watch);
    }
  }

  figures(): readonly BenchFigure[] {
    const [first = 0, last = 0] = this.#peaks;
    const peak = Math.max(first, last);
    return [
      {
        name: 'memory while importing',
        value: peak / MiB,
        unit: 'MiB',
        goal: { text: `under ${MEMORY.most / MiB} MiB`, met: peak < MEMORY.most },
      },
      {
        name: 'memory while the last half passes',
        value: last / MiB,
        unit: 'MiB',
        limit: { name: 'while the first half does', value: first / MiB },
        goal: { text: 'flat: at most 1.1 of it', met: last <= MEMORY.growth * first },
      },
    ];
  }
}
