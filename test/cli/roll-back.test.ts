import { describe, expect, test } from 'vitest';

import { answering, operationAt, runCli } from '../support/cli.ts';

const UNDONE = [
  { id: 7, kind: 'removal', fileName: 'my-base', importedAt: '2026-03-02T10:00:00.000Z' },
  { id: 5, kind: 'store', fileName: 'store-export-x.tar.gz', importedAt: '2026-03-01T10:00:00.000Z' },
];
const PLAN = {
  applied: false,
  undone: UNDONE,
  items: [{ action: 'new', kind: 'snap', subject: 'my-base', detail: 'of store ubuntu' }],
  moreItems: 0,
  removedBlobs: 0,
};
const PATH = 'POST /ops/v1/imports/roll-back';

async function operator(answers: Readonly<Record<string, unknown>>) {
  const server = await answering(answers);
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  return {
    bodies: () => server.seen.filter(({ method }) => method !== 'GET').map(({ body }) => body),
    run: (args: readonly string[], input?: string) =>
      runCli('snap-store-proxy', args, { env, ...(input === undefined ? {} : { input }) }),
  };
}

describe('roll-back', () => {
  test('--dry-run shows what is undone and what that changes', async () => {
    const { run, bodies } = await operator(operationAt(PATH, PLAN));
    expect(await run(['roll-back', '5', '--dry-run'])).toEqual({
      status: 0,
      stdout:
        'Action    Kind    Subject    Detail\n--------  ------  ---------  ---------------\nnew       snap    my-base    of store ubuntu\n',
      stderr: 'Undoes removal 7, my-base.\nUndoes import 5, store-export-x.tar.gz.\nNothing was changed.\n',
    });
    expect(bodies()).toEqual([{ to: 5, dryRun: true }]);
  });

  test('asks first, and then undoes no more than it asked about', async () => {
    const { run, bodies } = await operator(operationAt(PATH, PLAN));
    const done = await run(['roll-back'], 'y\n');
    expect(done.stdout).toContain(
      'Rolled back: removal 7, my-base.\nRolled back: import 5, store-export-x.tar.gz.\n',
    );
    expect(done.stderr).toBe('Undoes removal 7, my-base.\nUndoes import 5, store-export-x.tar.gz.\n');
    expect(bodies()).toEqual([{ dryRun: true }, { to: 5, changes: false }]);
  });

  test('changes nothing when the answer is no', async () => {
    const { run, bodies } = await operator(operationAt(PATH, PLAN));
    expect((await run(['roll-back', '5'], 'n\n')).stderr).toMatch(/Nothing was changed\.\n$/);
    expect(bodies()).toEqual([{ to: 5, dryRun: true }]);
  });

  test('--yes goes ahead at once, by default with the newest alone', async () => {
    const { run, bodies } = await operator(operationAt(PATH, { ...PLAN, undone: UNDONE.slice(0, 1) }));
    expect((await run(['roll-back', '--yes'])).stdout).toBe('Rolled back: removal 7, my-base.\n');
    expect(bodies()).toEqual([{ changes: false }]);
  });

  test('asks for the list of changes where it is printed', async () => {
    const { run, bodies } = await operator(operationAt(PATH, PLAN));
    expect(JSON.parse((await run(['roll-back', '5', '--yes', '--json'])).stdout)).toEqual(PLAN);
    expect(bodies()).toEqual([{ to: 5, changes: true }]);
  });

  test('--watch tells where it can be seen', async () => {
    const { run } = await operator(operationAt(PATH, PLAN));
    expect((await run(['roll-back', '5', '--yes', '--watch'])).stderr).toBe(
      'Follow it at http://ui.example/x\n',
    );
  });

  test.each(['0', '-', '1e3', '99999999999', 'all'])('takes no %s for a number', async (id) => {
    const { run, bodies } = await operator(operationAt(PATH, PLAN));
    const refused = await run(['roll-back', id, '--yes']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toBe(`error: cannot roll back "${id}": name a number that list-imports shows\n`);
    expect(bodies()).toEqual([]);
  });
});

test('list-imports tells how far back one can go', async () => {
  const imports = UNDONE.map((each) => ({ ...each, outcome: 'imported', canRollBack: each.id === 7 }));
  const { run } = await operator({ 'GET /ops/v1/imports': { imports } });
  const lines = (await run(['list-imports'])).stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(lines[0]).toEqual(['Id', 'Kind', 'File', 'At', 'Outcome', 'Roll-back']);
  expect(lines.slice(1, 4).map((line) => line.at(-1))).toEqual(expect.arrayContaining(['yes', 'no']));
});

describe('a removal', () => {
  const plan = {
    applied: true,
    items: [{ name: 'my-app', revision: 1, bytes: 10 }],
    freedBytes: 0,
    keptBytes: 10,
    past: null,
  };

  test('delete-snap says that the files stay until prune', async () => {
    const { run } = await operator(operationAt('DELETE /ops/v1/pushed-snaps/my-app', plan));
    expect((await run(['delete-snap', 'my-app'])).stderr).toBe(
      '0 bytes freed.\n10 bytes stay, so that roll-back can bring them back; prune frees them.\n',
    );
  });

  test.each([
    ['delete-snap', 'my-app'],
    ['prune', '--dry-run'],
  ])('%s --watch tells where it can be seen', async (...words) => {
    const { run } = await operator({
      ...operationAt('DELETE /ops/v1/pushed-snaps/my-app', plan),
      ...operationAt('POST /ops/v1/prune', plan),
    });
    expect((await run([...words, '--watch'])).stderr).toMatch(/^Follow it at http:\/\/ui\.example\/x\n/);
  });

  test('prune --dry-run says what can no longer be rolled back after it', async () => {
    const past = { upToId: 4, acts: 2, items: [{ subject: 'my-base 5', bytes: 7 }] };
    const { run } = await operator(
      operationAt('POST /ops/v1/prune', { ...plan, applied: false, freedBytes: 17, keptBytes: 0, past }),
    );
    expect((await run(['prune', '--dry-run'])).stderr).toBe(
      [
        '17 bytes would be freed.',
        'my-base 5, 7 bytes, is kept for roll-back alone and goes.',
        'Imports and removals up to number 4 could no longer be rolled back.',
        '',
      ].join('\n'),
    );
  });
});
