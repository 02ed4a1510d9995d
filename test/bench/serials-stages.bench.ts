/** Where the time of a serial goes, from traces: what the next step towards more speed would be. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { number, type BenchReport } from '../../scripts/bench-report.ts';
import { keptTraces } from '../support/traces.ts';
import { deviceKeys, load, type LoadReport } from './serial-load.ts';
import { lengthsOf, stagesOf, type Stages } from './serial-stages.ts';
import { openStand } from './serial-stand.ts';

interface Run {
  readonly devices: number;
  readonly report: LoadReport;
  readonly spans: readonly ReadableSpan[];
  readonly stages: readonly Stages[];
}

/** One device after the other, then 64 at once, with every span kept. */
export async function run(): Promise<BenchReport> {
  const keys = await deviceKeys(32);
  const { tracing, spans, forget } = keptTraces();
  const stand = await openStand({ tracing });
  try {
    const runs: Run[] = [];
    await load(stand.rig.server.url, await stand.prepare(128, keys), 16);
    for (const [devices, count] of [
      [1, 64],
      [64, 1024],
    ] as const) {
      const requests = await stand.prepare(count, keys);
      forget();
      const report = await load(stand.rig.server.url, requests, devices);
      const kept = [...spans()];
      const stages = stagesOf(kept);
      if (stages.length !== count) throw new Error(`${String(count - stages.length)} traces are not whole`);
      runs.push({ devices, report, spans: kept, stages });
    }
    return {
      subject: 'Where the time of a serial goes',
      method:
        'As above, in a run of its own with every request traced (which costs some of the rate). Stages follow each other and add up to the time from request to answer, as the service sees it; those of a batch count for each of its devices.',
      figures: runs.map(({ devices, report }) => ({
        name: `traced, ${devicesWords(devices)}`,
        value: report.perSecond,
        unit: 'serials/s',
      })),
      details: table(runs),
    };
  } finally {
    await stand.close();
  }
}

function table(runs: readonly Run[]): string[][] {
  const titles = runs.flatMap(({ devices }) => [`${devicesWords(devices)}: mean`, 'p50', 'share']);
  const names = [...(runs[0]?.stages[0]?.keys() ?? [])];
  const rows = names.map((name) => [
    name,
    ...runs.flatMap(({ stages }) => {
      const times = stages.map((each) => each.get(name) ?? 0);
      const total = mean(stages.map(totalOf));
      return [ms(mean(times)), ms(median(times)), `${((100 * mean(times)) / total).toFixed(1)} %`];
    }),
  ]);
  const totals = runs.flatMap(({ stages }) => {
    const times = stages.map(totalOf);
    return [ms(mean(times)), ms(median(times)), '100 %'];
  });
  const parts = (['HSM queue', 'HSM token'] as const).map((name) => [
    name === 'HSM queue' ? 'one signature: waits for the token' : 'one signature: on the token',
    ...runs.flatMap(({ spans }) => {
      const times = lengthsOf(spans, name);
      return [ms(mean(times)), ms(median(times)), ''];
    }),
  ]);
  return [['stage', ...titles], ...rows, ['all', ...totals], ...parts];
}

function devicesWords(devices: number): string {
  return devices === 1 ? 'one device at a time' : `${String(devices)} devices at once`;
}

function totalOf(stages: Stages): number {
  return [...stages.values()].reduce((sum, time) => sum + time, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function ms(value: number): string {
  return `${number(value)} ms`;
}
