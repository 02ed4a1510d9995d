import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeStream } from '../../../src/assertions/index.ts';
import { withFailures } from '../../../src/activities/errors.ts';
import { trustRoots } from '../../../src/api/ops/host-contract.ts';
import { exportResult } from '../../../src/api/ops/transfer-contract.ts';
import { openTestTemporal, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fetchesOf } from '../../workflows/fetching.ts';
import { between } from '../online/between.ts';
import { operatorAt, type Operator } from './operator.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** The operator of an online host that trusts its upstream. */
async function online<Answer>(work: (operator: Operator) => Promise<Answer>): Promise<Answer> {
  const { host, outside } = await between();
  await host.settings.change(new Map([['airlock.role', { value: 'online', secret: false }]]), new Date());
  const fetching = { ...host, activities: { ...host.activities, ...withFailures(fetchesOf(host)) } };
  return operatorAt(temporal, fetching, async (operator) => {
    const roots = Buffer.from(encodeStream(outside.chain.roots)).toString();
    await operator.answer('POST', '/trust/roots', trustRoots, roots);
    return work(operator);
  });
}

test('"export snaps" on an online host brings snaps of its upstream, as fetch-snaps does', async () => {
  await online(async (operator) => {
    const exportDir = await temporaryFolder();
    const request = { kind: 'snaps', names: ['my-base'], exportDir };
    const made = await operator.result('POST', '/exports', exportResult, request);
    expect(made.snaps).toEqual([
      { name: 'my-base', revision: 5, channel: 'latest/stable', architecture: 'amd64' },
    ]);
    expect(made.files[0]?.path.startsWith(`${exportDir}/my-base-`)).toBe(true);
    expect(await operator.finish('/exports', { ...request, names: ['absent'] })).toMatchObject({
      status: 'failed',
      error: { kind: 'not-found', message: expect.stringMatching(/^cannot fetch absent /) },
    });
  });
});

test.each([
  [{ kind: 'store', store: 'brand-devices' }, 'name a log-in for the upstream store by --auth'],
  [{ kind: 'snaps', packages: [{ name: 'my-base', revision: 5 }] }, 'name the snaps and a channel'],
])('%j on an online host says what to do instead', async (request, words) => {
  await online(async (operator) => {
    const answer = await operator.ask('POST', '/exports', request);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain(words);
  });
});
