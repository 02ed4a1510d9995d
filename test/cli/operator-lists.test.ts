import { describe, expect, test } from 'vitest';

import { answering, runCli } from '../support/cli.ts';

async function operator(answers: Readonly<Record<string, unknown>>) {
  const server = await answering(answers);
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  return { ...server, run: (...args: string[]) => runCli('snap-store-proxy', args, { env }) };
}

describe('override', () => {
  test('a wrong word changes nothing', async () => {
    const { run, seen } = await operator({});
    const { status, stderr } = await run('override', 'jq', 'stable');
    expect(status).not.toBe(0);
    expect(stderr).toContain('write CHANNEL=REVISION');
    expect(seen).toEqual([]);
  });
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
