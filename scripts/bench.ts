/** `npm run bench`: runs test/bench/*.bench.ts one after the other, shows their figures and writes docs/reference/performance.md. Names on the command line choose some: then nothing is written. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { asPage, asTable, type BenchReport } from './bench-report.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'test/bench');
const PAGE = join(ROOT, 'docs/reference/performance.md');

const benchmark = z.object({ run: z.custom<() => Promise<BenchReport>>((run) => typeof run === 'function') });

const wanted = process.argv.slice(2);
const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.bench.ts')).sort();
const chosen =
  wanted.length === 0 ? files : files.filter((file) => wanted.some((name) => file.startsWith(name)));
if (chosen.length === 0) {
  console.error(`cannot find such a benchmark; there are: ${files.join(', ') || 'none'}`);
  process.exit(2);
}

const reports: BenchReport[] = [];
for (const file of chosen) {
  console.error(`bench: ${file}`);
  const { run } = benchmark.parse(await import(pathToFileURL(join(FOLDER, file)).href));
  const report = await run();
  reports.push(report);
  console.log(`\n${asTable(report)}`);
}
if (wanted.length === 0) {
  await mkdir(join(ROOT, 'docs/reference'), { recursive: true });
  await writeFile(PAGE, asPage(reports, { command: 'npm run bench', machine: machine(), date: today() }));
  console.error(`\nbench: wrote ${PAGE.slice(ROOT.length)}`);
}

function machine(): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${memory} GiB, ${type()} ${release()}, Node ${process.versions.node}`;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
