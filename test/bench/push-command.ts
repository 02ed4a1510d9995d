/** The command that an operator gives, against an appliance that runs: for what the steps of an import alone do not show. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeStream, type Assertion } from '../../src/assertions/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** Milliseconds that `snap-store-proxy push-store` takes for each file, one after the other, on a new appliance that trusts `roots`. */
export async function pushedByCommand(
  folder: string,
  roots: readonly Assertion[],
  files: readonly string[],
): Promise<readonly number[]> {
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, AIRLOCK_DATA: join(folder, 'data') };
  const appliance = spawn(
    join(ROOT, 'bin/airlock'),
    ['up', '--role', 'airgap', '--port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'],
    { stdio: ['ignore', 'pipe', 'ignore'], env },
  );
  const ended = new Promise<void>((resolve) => appliance.once('exit', () => resolve()));
  try {
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: appliance.stdout }).on('line', (line) => {
        if (line.startsWith('airlock: ready at')) resolve();
      });
      void ended.then(() => reject(new Error('cannot measure: the appliance ended before it was ready')));
    });
    const rootFile = join(folder, 'root.assert');
    await writeFile(rootFile, encodeStream(roots));
    await execute(join(ROOT, 'bin/airlock'), ['trust', 'add', rootFile], { env });
    const times: number[] = [];
    for (const file of files) {
      const start = performance.now();
      await execute(join(ROOT, 'bin/snap-store-proxy'), ['push-store', file], { env, maxBuffer: 2 ** 26 });
      times.push(performance.now() - start);
    }
    return times;
  } finally {
    appliance.kill('SIGTERM');
    await ended;
  }
}
