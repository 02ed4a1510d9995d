/**
 * Serials for as long as a shift: does memory grow, do devices wait longer? Ten minutes, or AIRLOCK_SOAK_MINUTES.
 * `npm run bench -- soak` runs it alone.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { number, type BenchFigure, type BenchReport } from '../../scripts/bench-report.ts';
import { collectGarbage } from './garbage.ts';
import { soakLoad, type SoakMinute } from './soak-load.ts';
import { openStand, type PerPart, type SerialStand } from './serial-stand.ts';

const DEVICES = 64;
/** A minute is warm-up until so many are over: caches fill, the compiler settles. */
const WARM = 2;
const MIB = 2 ** 20;

interface Minute extends SoakMinute {
  readonly memory: PerPart;
  readonly cpu: PerPart;
  /** Bytes on disk. */
  readonly files: { readonly database: number; readonly temporal: number };
}

/** Runs the load and looks at the processes at the end of each minute. */
export async function run(): Promise<BenchReport> {
  const minutes = Number(process.env['AIRLOCK_SOAK_MINUTES'] ?? 10);
  if (!Number.isInteger(minutes) || minutes < 5)
    throw new Error('AIRLOCK_SOAK_MINUTES must be a whole number, 5 at least');
  const stand = await openStand();
  try {
    const seen: Minute[] = [];
    const heaps: number[] = [];
    let before = stand.cpu();
    await soakLoad(stand, { devices: DEVICES, minutes }, async (minute) => {
      const now = stand.cpu();
      const cpu = perSerial(before, now, minute.count);
      before = now;
      seen.push({ ...minute, cpu, memory: stand.memory(), files: await filesOf(stand) });
      // A full collection that nobody needed costs later ones more: there is one before each of the windows that are compared.
      if (seen.length === WARM - 1) heapInUse();
      if (seen.length === WARM + 1 || seen.length === minutes) heaps.push(heapInUse());
    });
    return {
      subject: 'Ten minutes of serials',
      method: METHOD,
      figures: figures(seen, heaps),
      details: details(seen),
    };
  } finally {
    await stand.close();
  }
}

const METHOD = `${String(DEVICES)} devices at once, each with a key of 2048 bits of its own that asks for a request-id, signs its request and posts it, all on this machine; AIRLOCK_SOAK_MINUTES sets how long. The first ${String(WARM)} minutes are warm-up. Memory: resident, at the end of each minute; thirds are those of the minutes after the warm-up. The heap of API and worker is that after a full garbage collection.`;

function figures(seen: readonly Minute[], heaps: readonly number[]): BenchFigure[] {
  const warm = seen.slice(WARM);
  const third = Math.max(1, Math.floor(warm.length / 3));
  const middle = warm.slice(-2 * third, -third);
  const last = warm.slice(-third);
  const grown = (name: string, of: (minute: Minute) => number): BenchFigure => {
    const [was, is] = [mean(middle.map(of)) / MIB, mean(last.map(of)) / MIB];
    return {
      name: `memory of ${name}, last third`,
      value: is,
      unit: 'MiB',
      limit: { name: 'middle third', value: was },
      goal: { text: 'flat: at most 5 % more', met: is <= was * 1.05 },
    };
  };
  const early = seen.slice(WARM - 1, WARM + 1);
  const late = seen.slice(-2);
  const slower = (name: string, of: (minute: Minute) => number, unit: string, most: number): BenchFigure => {
    const [was, is] = [mean(early.map(of)), mean(late.map(of))];
    return {
      name: `${name}, last two minutes`,
      value: is,
      unit,
      limit: { name: 'minutes 2 and 3', value: was },
      goal: { text: `no growth: at most ${String(most)} times`, met: is <= was * most },
    };
  };
  const [heapWas = 0, heapIs = 0] = heaps;
  const count = sum(seen.map((minute) => minute.count));
  const bytes = (of: (minute: Minute) => number) => {
    const made = sum(seen.slice(1).map((minute) => minute.count));
    return (of(seen.at(-1) ?? EMPTY) - of(seen[0] ?? EMPTY)) / Math.max(made, 1) / 1024;
  };
  return [
    { name: 'serials made', value: count, unit: 'serials' },
    { name: 'answers 202 meanwhile', value: sum(seen.map(({ waits }) => waits)), unit: 'answers' },
    grown('API and worker', ({ memory }) => memory.service),
    {
      name: 'its heap at the end',
      value: heapIs / MIB,
      unit: 'MiB',
      limit: { name: `after minute ${String(WARM + 1)}`, value: heapWas / MIB },
      goal: { text: 'flat: at most 5 MiB more', met: heapIs - heapWas <= 5 * MIB },
    },
    grown('the HSM child', ({ memory }) => memory.hsm),
    grown('Temporal', ({ memory }) => memory.temporal),
    slower('p50', ({ p50 }) => p50, 'ms', 1.15),
    slower('p99', ({ p99 }) => p99, 'ms', 1.3),
    slower('processor time outside the signing', ({ cpu }) => cpu.service + cpu.temporal, 'ms/serial', 1.15),
    { name: 'growth of the database file', value: bytes(({ files }) => files.database), unit: 'KiB/serial' },
    { name: 'growth of Temporal’s file', value: bytes(({ files }) => files.temporal), unit: 'KiB/serial' },
  ];
}

function details(seen: readonly Minute[]): string[][] {
  const mib = (bytes: number) => number(bytes / MIB);
  return [
    [
      'minute',
      'serials/s',
      'p50 ms',
      'p99 ms',
      'CPU ms/serial: API and worker',
      'Temporal',
      'MiB: API and worker',
      'HSM child',
      'Temporal',
      'files: database',
      'Temporal',
    ],
    ...seen.map((minute, index) =>
      [
        index + 1,
        number(minute.count / 60),
        number(minute.p50),
        number(minute.p99),
        number(minute.cpu.service),
        number(minute.cpu.temporal),
        mib(minute.memory.service),
        mib(minute.memory.hsm),
        mib(minute.memory.temporal),
        mib(minute.files.database),
        mib(minute.files.temporal),
      ].map(String),
    ),
  ];
}

const NONE: PerPart = { service: 0, hsm: 0, temporal: 0 };
const EMPTY: Minute = {
  count: 0,
  waits: 0,
  p50: 0,
  p99: 0,
  memory: NONE,
  cpu: NONE,
  files: { database: 0, temporal: 0 },
};

function perSerial(before: PerPart, after: PerPart, count: number): PerPart {
  const each = (part: keyof PerPart) => (after[part] - before[part]) / Math.max(count, 1);
  return { service: each('service'), hsm: each('hsm'), temporal: each('temporal') };
}

async function filesOf({ folder }: SerialStand): Promise<Minute['files']> {
  const size = (name: string) =>
    stat(join(folder, name)).then(
      (found) => found.size,
      () => 0,
    );
  const withLog = async (name: string) => (await size(name)) + (await size(`${name}-wal`));
  return { database: await withLog('airlock.sqlite'), temporal: await withLog('temporal.sqlite') };
}

function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function mean(values: readonly number[]): number {
  return sum(values) / Math.max(values.length, 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
