import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { answering, operationAt, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const REFERENCE = join(import.meta.dirname, '../../docs/reference');

/** Every command by its words, and what the generated reference says of its --json. */
async function commands(): Promise<ReadonlyMap<string, string | undefined>> {
  const text = await readFile(join(REFERENCE, 'commands.md'), 'utf8');
  const [, ...entries] = text.split(/^### `/m);
  return new Map(
    entries.map((entry) => {
      const [line = ''] = entry.split('`', 1);
      return [line.replaceAll(/ [<[].*$/g, ''), /^- `--json`: (.*)$/m.exec(entry)?.[1]];
    }),
  );
}

/** Of those that show nothing and only say what they did. */
const SAID = 'print what was done as JSON';

describe('--json', () => {
  test('is there for every command that ends by itself', async () => {
    const without = [...(await commands())].filter(([, json]) => json === undefined).map(([name]) => name);
    expect(without).toEqual(['airlock up', 'airlock api', 'airlock worker']);
  });

  test('has a line in the reference for each that shows something', async () => {
    const text = await readFile(join(REFERENCE, 'json-output.md'), 'utf8');
    const written = [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    const shown = [...(await commands())].filter(([, json]) => json !== undefined && json !== SAID);
    expect(written.toSorted()).toEqual(shown.map(([name]) => name).toSorted());
  });

  test('of a command that only says what it did is what it says', async () => {
    const run = await operator({ 'DELETE /ops/v1/ca-certs': {} });
    expect(await run('remove-ca-certs', '--json')).toEqual({
      status: 0,
      stdout: '{\n  "said": [\n    "The usual CA certificates are in use."\n  ]\n}\n',
      stderr: '',
    });
    expect(await run('remove-ca-certs')).toMatchObject({ stdout: 'The usual CA certificates are in use.\n' });
  });

  test('of one that failed before it had anything to say is nothing but the error', async () => {
    const run = await operator({});
    const outcome = await run('remove-ca-certs', '--json');
    expect(outcome).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^\{"error":\{/) });
  });

  test('is taken with arguments, too', async () => {
    const run = await operator({
      'GET /ops/v1/config/proxy.admin-emails': { value: 'None' },
      'PATCH /ops/v1/config': {},
    });
    expect(JSON.parse((await run('add-admin', 'ada@brand.example', '--json')).stdout)).toEqual({
      said: ['ada@brand.example may set overrides.'],
    });
  });
});

async function operator(answers: Readonly<Record<string, unknown>>) {
  const { url } = await answering(answers);
  const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  return (...args: string[]) => runCli('snap-store-proxy', args, { env });
}

describe('an error of a command that was asked for JSON is JSON, with the same exit code', () => {
  const errorOf = ({ stderr }: { readonly stderr: string }): unknown =>
    JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');

  test('of a wrong command line', async () => {
    const outcome = await runCli('snap-store-proxy', ['status', '--jsno', '--json']);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(errorOf(outcome)).toEqual({
      error: {
        code: 'usage',
        message: expect.stringMatching(/^cannot understand the command line: /),
        exitCode: 2,
      },
    });
  });

  test('of a host that refuses: with the code that it gave', async () => {
    const run = await operator({});
    const outcome = await run('delete-snap', 'jq', '--json');
    expect(outcome).toMatchObject({ status: 5, stdout: '' });
    const message = 'cannot find /ops/v1/pushed-snaps/jq';
    expect(errorOf(outcome)).toEqual({ error: { code: 'x', message, exitCode: 5 } });
  });

  test('of a process that failed: with the code that it failed by', async () => {
    const message = 'cannot continue: 3 MiB are needed';
    const run = await operator({
      'POST /ops/v1/fetches': { workflowId: 'x', ui: null },
      'GET /ops/v1/operations/x?wait=2': {
        workflowId: 'x',
        status: 'failed',
        error: { kind: 'unavailable', code: 'disk-full', message },
      },
    });
    const outcome = await run('fetch-snaps', 'jq', '--json');
    expect(outcome).toMatchObject({ status: 8, stdout: '' });
    expect(errorOf(outcome)).toEqual({ error: { code: 'disk-full', message, exitCode: 8 } });
  });

  test('of connections that fail, behind what was found', async () => {
    const settings = [{ key: 'proxy.upstream', value: 'http://127.0.0.1:9' }];
    const outcome = await (
      await operator({
        'GET /ops/v1/config': { settings },
        'GET /ops/v1/status': { database: 'ok', databaseServer: null },
        'GET /ops/v1/ca-certs': { pem: null },
      })
    )('check-connections', '--json');
    expect(outcome.status).toBe(8);
    expect(JSON.parse(outcome.stdout)).toMatchObject([{ address: 'http://127.0.0.1:9' }]);
    expect(errorOf(outcome)).toMatchObject({ error: { code: 'server-unreachable', exitCode: 8 } });
  });
});

/** What a push that brought nothing answers. */
const PUSHED = {
  unchanged: false,
  snaps: [],
  stores: [],
  accountKeys: [],
  admin: null,
  exporter: null,
  exporterPinned: false,
  awaited: { names: [], more: 0 },
};

test('standard output is one JSON document, also where something is asked or several files are pushed', async () => {
  const undone = {
    applied: true,
    undone: [{ id: 1, kind: 'store', fileName: 'x', importedAt: '2026-01-01T00:00:00.000Z' }],
    items: [],
    moreItems: 0,
    removedBlobs: 0,
  };
  const { url } = await answering({
    ...operationAt('POST /ops/v1/imports', PUSHED),
    ...operationAt('POST /ops/v1/imports/roll-back', undone, 'y'),
  });
  const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'operator', AIRLOCK_HOME: await temporaryFolder() };
  const file = join(import.meta.dirname, 'golden', 'login.txt');
  const pushed = await runCli('snap-store-proxy', ['push-snaps', file, file, '--json'], { env });
  expect(JSON.parse(pushed.stdout)).toEqual([PUSHED, PUSHED]);
  const back = await runCli('snap-store-proxy', ['roll-back', '--json'], { env, input: 'yes\n' });
  expect(JSON.parse(back.stdout)).toEqual(undone);
  expect(back.stderr).toContain('Go back');
});

test('what was pushed before a file that cannot be is on standard output, and so is the plan of a roll-back that is declined', async () => {
  const plan = { applied: false, undone: [], items: [], moreItems: 0, removedBlobs: 0 };
  const { url } = await answering({
    ...operationAt('POST /ops/v1/imports', PUSHED),
    ...operationAt('POST /ops/v1/imports/roll-back', plan, 'y'),
  });
  const home = await temporaryFolder();
  const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'operator', AIRLOCK_HOME: home };
  const file = join(import.meta.dirname, 'golden', 'login.txt');
  const missing = join(home, 'missing.tar.gz');
  const pushed = await runCli('snap-store-proxy', ['push-snaps', file, missing, '--json'], { env });
  expect(pushed.status).not.toBe(0);
  expect(JSON.parse(pushed.stdout)).toEqual([PUSHED]);
  expect(pushed.stderr).toContain('missing.tar.gz');
  const none = await runCli('snap-store-proxy', ['push-snaps', missing, file, '--json'], { env });
  expect(none.stdout).toBe('');
  const declined = await runCli('snap-store-proxy', ['roll-back', '--json'], { env, input: 'no\n' });
  expect(declined).toMatchObject({ status: 0 });
  expect(JSON.parse(declined.stdout)).toEqual(plan);
});
