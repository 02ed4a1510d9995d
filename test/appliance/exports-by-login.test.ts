import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { mintMacaroon } from '../../src/publishers/index.ts';
import { runCli } from '../support/cli.ts';
import { Server } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** `airlock up` on an empty folder, and what somebody with a log-in that nobody knows is told there. */
async function strangerAt(role: 'authority' | 'online') {
  const folder = await temporaryFolder();
  const ports = ['--port', '0', '--https-port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'];
  const server = await Server.start(['up', '--role', role, '--data', join(folder, 'data'), ...ports], {
    AIRLOCK_LOG_LEVEL: 'error',
  });
  onTestFinished(() => server.stop().then(() => undefined));
  const login = join(folder, 'login');
  const parts = { rootKey: Buffer.from('another'), identifier: 'x', location: 'y', caveats: [] };
  await writeFile(login, mintMacaroon(parts));
  const args = ['--url', server.url, 'export', 'store', 'S', '--all', '--auth', login];
  return runCli('store-admin', args, { env: { SNAP_USER_COMMON: folder } });
}

test('an authority takes log-ins for exports where other hosts take none', { timeout: 240_000 }, async () => {
  expect(await strangerAt('authority')).toEqual({
    status: 3,
    stdout: '',
    stderr: 'error: cannot use the login file here: it was refused or has ended; export it again\n',
  });
  expect(await strangerAt('online')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot take --all and --auth at once on an online host'),
  });
});
