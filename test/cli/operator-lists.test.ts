import { describe, expect, test } from 'vitest';

import { answering, runCli } from '../support/cli.ts';

async function operator(answers: Readonly<Record<string, unknown>>) {
  const server = await answering(answers);
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  return { ...server, run: (...args: string[]) => runCli('snap-store-proxy', args, { env }) };
}

const place = { architecture: 'amd64', revision: 11, upstreamRevision: 6 };

describe('overrides print what the documents show', () => {
  test('override', async () => {
    const answer = { snapName: 'jq', channel: 'stable', places: [place] };
    const { run, seen } = await operator({ 'POST /ops/v1/overrides': answer });
    expect(await run('override', 'jq', 'stable=11')).toMatchObject({
      status: 0,
      stdout: 'jq stable amd64 11\n',
    });
    expect(seen).toHaveLength(1);
  });

  test('list-overrides', async () => {
    const overrides = [{ snapName: 'jq', channel: 'stable', ...place }];
    const { run } = await operator({ 'GET /ops/v1/overrides?snap=jq': { overrides } });
    expect((await run('list-overrides', 'jq')).stdout).toBe('jq stable amd64 11 (upstream 6)\n');
  });

  test('delete-override', async () => {
    const places = [{ architecture: 'amd64', revision: null, upstreamRevision: 1705 }];
    const answer = { snapName: 'core18', channel: 'stable', places };
    const { run } = await operator({ 'POST /ops/v1/overrides': answer });
    const { stdout } = await run('delete-override', 'core18', 'stable');
    expect(stdout).toBe('core18 stable amd64 is tracking upstream (revision 1705)\n');
  });

  test('a wrong word changes nothing', async () => {
    const { run, seen } = await operator({});
    const { status, stderr } = await run('override', 'jq', 'stable');
    expect(status).not.toBe(0);
    expect(stderr).toContain('write CHANNEL=REVISION');
    expect(seen).toEqual([]);
  });
});

test('list-devices', async () => {
  const devices = [{ brandId: 'b', model: 'model-a', serial: '1', lastSeenAt: '2026-01-02T03:04:05.000Z' }];
  const { run } = await operator({ 'GET /ops/v1/devices?limit=1000': { devices } });
  const { stdout } = await run('list-devices');
  const [header, , row] = stdout.split('\n').map((line) => line.split(/  +/));
  expect(header).toEqual(['Brand', 'Model', 'Serial', 'Last seen']);
  expect(row).toEqual(['b', 'model-a', '1', '2026-01-02T03:04:05.000Z']);
});

describe('list-acts', () => {
  const act = (id: number, subject: string, details = {}) => ({
    id,
    at: '2026-01-02T03:04:05.000Z',
    actor: 'operator',
    act: 'block',
    subject,
    details,
  });

  test('follows the pages up to the limit', async () => {
    const { run, seen } = await operator({
      'GET /ops/v1/acts?act=block&limit=3': { acts: [act(9, 'a'), act(8, 'b')], next: 8 },
      'GET /ops/v1/acts?act=block&limit=1&before=8': { acts: [act(7, 'c', { kind: 'serial' })], next: 7 },
    });
    const { stdout } = await run('list-acts', '--act', 'block', '--limit', '3');
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/  +/));
    expect(rows[0]).toEqual(['Time', 'Actor', 'Act', 'Subject', 'Details']);
    expect(rows.slice(2).map((row) => row.slice(3))).toEqual([['a'], ['b'], ['c', '{"kind":"serial"}']]);
    expect(seen).toHaveLength(2);
  });

  test('writes CSV that a spreadsheet does not run', async () => {
    const { run } = await operator({
      'GET /ops/v1/acts?limit=100': { acts: [act(1, '=1+1', { kind: 'a,b' })], next: null },
    });
    expect((await run('list-acts', '--csv')).stdout).toBe(
      'time,actor,act,subject,details\n' +
        `2026-01-02T03:04:05.000Z,operator,block,'=1+1,"{""kind"":""a,b""}"\n`,
    );
  });

  test('a limit that is no number asks nothing', async () => {
    const { run, seen } = await operator({});
    expect(await run('list-acts', '--limit', 'all')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--limit takes a whole number'),
    });
    expect(seen).toEqual([]);
  });
});
