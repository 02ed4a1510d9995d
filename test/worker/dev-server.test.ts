import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadTemporalConfig } from '../../src/config/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { startDevServer } from '../../src/worker/dev-server.ts';
import { isAlive } from '../support/processes.ts';
import { startTestServer } from '../support/temporal-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-server-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the embedded Temporal server', () => {
  test('serves, comes back on the same address when it is killed, and stops for good', async () => {
    const server = await startTestServer(join(folder, 'temporal.db'));
    const first = server.pid ?? 0;
    expect(await server.healthy()).toBe(true);
    process.kill(first, 'SIGKILL');
    await vi.waitFor(
      async () => {
        expect(server.pid).not.toBe(first);
        expect(await server.healthy()).toBe(true);
      },
      { timeout: 30_000, interval: 100 },
    );
    const second = server.pid ?? 0;
    await server.stop();
    expect(isAlive(second)).toBe(false);
    expect(await server.healthy()).toBe(false);
  });

  test('says of a damaged database that it is damaged, and what to do', async () => {
    const file = join(folder, 'damaged.db');
    await writeFile(file, 'no database '.repeat(1000));
    await expect(startTestServer(file)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'temporal-database-damaged',
      message: `cannot start the Temporal server: its database ${file} is damaged; restore a backup, or move that file away, which forgets the processes that were running`,
    });
  });

  test('ends when the process that started it is killed', async () => {
    const program = join(folder, 'parent.ts');
    const support = new URL('../support/temporal-server.ts', import.meta.url).href;
    await writeFile(
      program,
      `import { startTestServer } from '${support}';
       const server = await startTestServer();
       console.log(server.pid);
       setInterval(() => undefined, 1000);`,
    );
    const parent = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line]: unknown[] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 30_000, interval: 100 });
  });

  test('says which setting to change when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = await loadTemporalConfig({ env: {} });
    const { devServer } = config;
    const taken = { ...config, devServer: { ...devServer, listen: { ...devServer.listen, port } } };
    await expect(startDevServer({ config: taken, log: silentLog(), env: process.env })).rejects.toMatchObject(
      {
        code: 'temporal-port-in-use',
        message: expect.stringContaining('devServer.listen.port'),
      },
    );
    other.close();
  });

  test('says what to do when there is no Temporal CLI', async () => {
    const config = await loadTemporalConfig({ env: {} });
    const env = { AIRLOCK_TEMPORAL_CLI: join(folder, 'absent') };
    await expect(startDevServer({ config, log: silentLog(), env })).rejects.toMatchObject({
      code: 'temporal-cli-missing',
      message: expect.stringContaining('npm run setup'),
    });
  });
});
