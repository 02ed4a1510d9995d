import { expect, test } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };
import { PROGRAMS, isProgramName } from '../../src/cli/program.ts';
import { answering, runCli } from '../support/cli.ts';

test.each([
  ['snap-store-proxy', ['register', '--offline'], 'register'],
  ['snap-store-proxy', ['reregister'], 'reregister'],
  ['snap-store-proxy', ['generate-keys'], 'generate-keys'],
  ['snap-store-proxy', ['create-database', 'postgresql://x'], 'create-database'],
  ['enterprise-store', ['push-charms', 'x.tar.gz'], 'push-charms'],
  ['enterprise-store', ['push-charm-bundle', 'x.tar.gz'], 'push-charm-bundle'],
  ['store-admin', ['register', '--offline', 'http://x.example'], 'register'],
  ['store-admin', ['export', 'bundle', 'cos-lite'], 'bundle'],
  ['store-admin', ['export', 'charms', 'x'], 'charms'],
  [
    'enterprise-store',
    ['push-store', '--revision-authority-key-id', 'x', 'y'],
    '--revision-authority-key-id',
  ],
  ['snap-store-proxy', ['enable-airgap-mode', '--password', 'x'], '--password'],
] as const)('%s %j says why Airlock does not use it', async (program, args, name) => {
  const { status, stdout, stderr } = await runCli(program, args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^error: cannot do ${name}: it is not used by Airlock, because .+\n$`));
});

test('what no document names is unknown', async () => {
  const { status, stderr } = await runCli('snap-store-proxy', ['frobnicate']);
  expect(status).toBe(2);
  expect(stderr).toMatch("unknown command 'frobnicate'; try --help");
});

test('every program tells its version', async () => {
  for (const program of Object.keys(PROGRAMS).filter(isProgramName))
    expect(await runCli(program, ['--version'])).toEqual({
      status: 0,
      stdout: `${packageFile.version}\n`,
      stderr: '',
    });
});

test('a limit that is no number is refused before anything is asked', async () => {
  const { url, seen } = await answering({});
  const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  expect(await runCli('snap-store-proxy', ['list-devices', '--limit', 'x'], { env })).toEqual({
    status: 2,
    stdout: '',
    stderr: 'error: cannot list x devices: --limit is a number from 1\n',
  });
  expect(seen).toEqual([]);
});
