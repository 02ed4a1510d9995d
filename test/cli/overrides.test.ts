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
