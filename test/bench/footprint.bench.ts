/** What the appliance costs before it does anything: time to set up and to start, memory when idle. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchFigure, BenchReport } from '../../scripts/bench-report.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IDLE_MS = 20_000;
const MEMORY_GOAL_MB = 400;
const SETUP_GOAL_S = 240;
const REPEAT_GOAL_S = 2;
const JOURNEY_GOAL_S = 60;

const execute = promisify(execFile);

/** Measures set-up, start and idle memory, each once. */
export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-footprint-'));
  try {
    const figures = [
      ...(await setUpFigures(folder)),
      await journeyFigure(),
      ...(await applianceFigures(folder)),
    ];
    return {
      subject: 'Set-up and footprint',
      method: `Each measured once. Set-up from nothing: a fresh clone with an empty home folder, so that every npm package, Node and the Temporal CLI are fetched; distribution packages were there. Memory: resident, ${IDLE_MS / 1000} s after "ready", with nothing asked of it; shared pages are counted in each process.`,
      figures,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The whole journey of the demo, from the first host's start to the last check. */
async function journeyFigure(): Promise<BenchFigure> {
  const { stdout } = await execute(process.execPath, [join(ROOT, 'scripts/demo.ts')], { maxBuffer: 1 << 24 });
  const seconds = Number(/^The journey took ([0-9.]+) s/m.exec(stdout)?.[1]);
  return {
    name: "the demo's journey",
    value: seconds,
    unit: 's',
    goal: { text: `under ${JOURNEY_GOAL_S} s`, met: seconds < JOURNEY_GOAL_S },
  };
}

async function setUpFigures(folder: string): Promise<BenchFigure[]> {
  const clone = join(folder, 'clone');
  const home = join(folder, 'home');
  await mkdir(home);
  await execute('git', ['clone', '--quiet', ROOT, clone]);
  const setUp = async () => {
    const start = performance.now();
    await execute('node', ['scripts/setup.mjs'], {
      cwd: clone,
      env: { ...process.env, HOME: home, PATH: machinePath() },
    });
    return (performance.now() - start) / 1000;
  };
  const first = await setUp();
  const second = await setUp();
  return [
    {
      name: 'set-up from nothing',
      value: first,
      unit: 's',
      goal: { text: `under ${SETUP_GOAL_S} s`, met: first < SETUP_GOAL_S },
    },
    {
      name: 'set-up when all is there',
      value: second,
      unit: 's',
      goal: { text: `under ${REPEAT_GOAL_S} s`, met: second < REPEAT_GOAL_S },
    },
  ];
}

/** PATH without the project's own tools, as it is on a machine that was never set up. */
function machinePath(): string {
  const own = join(ROOT, '.tools');
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(own) && !folder.includes('node_modules'))
    .join(delimiter);
}

async function applianceFigures(folder: string): Promise<BenchFigure[]> {
  // The second start is an ordinary one: the first makes token, database and caches.
  await once(folder, async () => undefined);
  return once(folder, async (appliance, started) => {
    await sleep(IDLE_MS);
    const own = await residentMb(appliance.pid ?? 0);
    const children = await childrenOf(appliance.pid ?? 0);
    const hsm = await sumOf(children.filter(({ command }) => command.includes('/hsm/')));
    const temporal = await sumOf(children.filter(({ command }) => command.includes('start-dev')));
    const together = own + hsm;
    return [
      { name: 'start to ready', value: started, unit: 's' },
      { name: 'API and worker', value: own, unit: 'MB' },
      { name: 'HSM child', value: hsm, unit: 'MB' },
      {
        name: 'API, worker and HSM child together',
        value: together,
        unit: 'MB',
        goal: { text: `under ${MEMORY_GOAL_MB} MB`, met: together < MEMORY_GOAL_MB },
      },
      { name: 'embedded Temporal server', value: temporal, unit: 'MB' },
    ];
  });
}

/** Runs the appliance while `work` looks at it; tells it how many seconds the start took. */
async function once<Answer>(
  folder: string,
  work: (appliance: ChildProcess, started: number) => Promise<Answer>,
): Promise<Answer> {
  const start = performance.now();
  const appliance = spawn(
    join(ROOT, 'bin/airlock'),
    ['up', '--role', 'airgap', '--port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, AIRLOCK_DATA: join(folder, 'data') } },
  );
  const ended = new Promise<void>((resolve) => appliance.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: appliance.stdout }).on('line', (line) => {
      if (line.startsWith('airlock: ready at')) resolve();
    });
    appliance.once('exit', () =>
      reject(new Error('cannot measure: the appliance ended before it was ready')),
    );
  });
  try {
    await ready;
    return await work(appliance, (performance.now() - start) / 1000);
  } finally {
    appliance.kill('SIGTERM');
    await ended;
  }
}

interface Child {
  readonly pid: number;
  readonly command: string;
}

async function childrenOf(parent: number): Promise<Child[]> {
  const children: Child[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) !== parent) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    children.push({ pid: Number(name), command: command.replaceAll('\0', ' ') });
  }
  return children;
}

async function sumOf(processes: readonly Child[]): Promise<number> {
  const sizes = await Promise.all(processes.map(({ pid }) => residentMb(pid)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}
