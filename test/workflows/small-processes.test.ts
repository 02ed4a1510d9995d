/** Processes of one or two steps: that they ask for the right ones, in the right order, of the right queue. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BlobActivities } from '../../src/activities/blobs.ts';
import type { DeltaActivities } from '../../src/activities/deltas.ts';
import { errorOfFailure, withFailures } from '../../src/activities/errors.ts';
import type { SweepActivities } from '../../src/activities/sweeps.ts';
import { AirlockError } from '../../src/errors.ts';
import type { Issued, ScopeInput } from '../../src/workflows/authority-contract.ts';
import {
  openTestTemporal,
  withWorkers,
  type TestActivities,
  type TestTemporal,
} from '../support/temporal.ts';

let temporal: TestTemporal;
let asked: { readonly step: string; readonly input: unknown }[];

beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());
beforeEach(() => {
  asked = [];
});

const step =
  <Output>(name: string, output: Output) =>
  async (input?: unknown): Promise<Output> => {
    asked.push({ step: name, input });
    return output;
  };

const run = (workflow: string, activities: TestActivities, ...args: unknown[]): Promise<unknown> =>
  withWorkers(temporal, activities, (client) =>
    client.workflow.execute(workflow, { taskQueue: 'airlock', workflowId: randomUUID(), args }),
  );

describe('sweeps', () => {
  const sweeps: SweepActivities = {
    sweepNonces: step('sweepNonces', 7),
    sweepUnclaimedUploads: step('sweepUnclaimedUploads', 2),
    sweepAccountExports: step('sweepAccountExports', 3),
  };

  test.each([
    ['sweepSessions', ['sweepNonces'], 7],
    ['sweepUploads', ['sweepUnclaimedUploads', 'sweepAccountExports'], 5],
  ])('%s tells how many it removed', async (workflow, names, count) => {
    expect(await run(workflow, { airlock: sweeps })).toBe(count);
    expect(asked).toEqual(names.map((name) => ({ step: name, input: undefined })));
  });
});

describe('blobs', () => {
  const moved = { files: 3, bytes: 4096, backend: 's3' } as const;
  const transfer: BlobActivities = {
    sweepBlobs: step('sweepBlobs', 5),
    moveBlobs: step('moveBlobs', moved),
  };

  test.each([
    ['sweepBlobs', 5],
    ['moveBlobs', moved],
  ])('%s is one step on the queue for large files', async (workflow, result) => {
    expect(await run(workflow, { airlock: {}, transfer })).toEqual(result);
    expect(asked).toEqual([{ step: workflow, input: undefined }]);
  });
});

test('deltas are made one after the other on the queue for large files; only those that pay are counted', async () => {
  const pairs = ['one', 'two'].map((snapId) => ({
    snapId,
    source: { revision: 1, digest: 'a' },
    target: { revision: 2, digest: 'b' },
  }));
  const transfer: DeltaActivities = {
    missingDeltas: step('missingDeltas', pairs),
    makeDelta: async (pair) => {
      asked.push({ step: 'makeDelta', input: pair.snapId });
      return pair.snapId === 'one';
    },
  };
  expect(await run('sweepDeltas', { airlock: {}, transfer })).toBe(1);
  expect(asked).toEqual([
    { step: 'missingDeltas', input: { limit: 50 } },
    { step: 'makeDelta', input: 'one' },
    { step: 'makeDelta', input: 'two' },
  ]);
});

test('scoping asks the HSM for one declaration a snap, in the order of the snaps', async () => {
  const input: ScopeInput = { actor: 'admin', snapIds: ['one', 'two'], stores: ['shop'], undo: false };
  const issued: Issued = { type: 'snap-declaration', primaryKey: ['16', 'one'], revision: 1, changed: true };
  const activities: TestActivities = { airlock: {}, hsm: { issueAssertion: step('issueAssertion', issued) } };
  expect(await run('scopeStore', activities, input)).toEqual([issued, issued]);
  expect(asked.map(({ input: given }) => given)).toEqual(
    ['one', 'two'].map((snapId) => ({
      request: { kind: 'scope', snapId, stores: ['shop'], undo: false },
      actor: 'admin',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })),
  );
});

test('snaps are exported in one step on the queue for large files', async () => {
  const input = { kind: 'snaps', names: ['app'], packages: [{ name: 'app', revision: 3, channel: null }] };
  const outcome = { archives: [] };
  expect(
    await run('exportSnaps', { airlock: {}, transfer: { writeSnapExports: step('write', outcome) } }, input),
  ).toEqual(outcome);
  expect(asked).toEqual([{ step: 'write', input }]);
});

test.each(['planImport', 'rollBackImport', 'removeSnaps'])(
  '%s is one step, which is given up for lost soon after its worker fell silent',
  async (workflow) => {
    const id = randomUUID();
    const events = await withWorkers(
      temporal,
      { airlock: { [workflow]: step(workflow, null) } },
      async (client) => {
        await client.workflow.execute(workflow, { taskQueue: 'airlock', workflowId: id, args: [{}] });
        return (await client.workflow.getHandle(id).fetchHistory()).events ?? [];
      },
    );
    const scheduled = events.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    expect(scheduled.map(({ heartbeatTimeout }) => Number(String(heartbeatTimeout?.seconds)))).toEqual([30]);
  },
);

test('store metadata is fetched in one step, and the fetch is closed afterwards whether it went well or not', async () => {
  const input = { store: 'shop', credentials: 'login-1', actor: 'operator' };
  const outcome = { files: [] };
  const closed = { step: 'close', input: { fetchId: 'metadata-shop', credentials: 'login-1' } };
  const closeFetch = step('close', undefined);

  const good = { fetchMetadata: step('fetch', outcome), closeFetch };
  expect(await run('fetchBrandStoreMetadata', { airlock: good }, input)).toEqual(outcome);
  expect(asked).toEqual([{ step: 'fetch', input }, closed]);

  asked = [];
  const refuse = () =>
    Promise.reject(new AirlockError('forbidden', 'store-refused', 'cannot read the store'));
  const bad = withFailures({ fetchMetadata: refuse, closeFetch });
  const error = await run('fetchBrandStoreMetadata', { airlock: bad }, input).catch(errorOfFailure);
  expect(error).toMatchObject({ kind: 'forbidden', code: 'store-refused' });
  expect(asked).toEqual([closed]);
});

test('a backup gets its name only after it was verified, and its key is forgotten at the end', async () => {
  const input = {
    backupId: 'b',
    path: '/backups/b',
    blobs: 'content',
    key: '{}',
    keySetting: 'k',
    actor: 'operator',
  };
  const activities = {
    writeBackupFile: step('write', { bytes: 3 }),
    verifyBackupFile: step('verify', { snaps: 1 }),
    publishBackupFile: step('publish', { backupId: 'b' }),
    closeBackup: step('close', undefined),
  };
  const steps = { airlock: activities, transfer: activities };
  expect(await run('backup', steps, input)).toEqual({ backupId: 'b' });
  expect(asked.map((one) => one.step)).toEqual(['write', 'verify', 'publish', 'close']);

  asked = [];
  const broken = () =>
    Promise.reject(new AirlockError('invalid', 'backup-damaged', 'cannot read the backup'));
  const failing = withFailures({ ...activities, verifyBackupFile: broken });
  const error = await run('backup', { airlock: failing, transfer: failing }, input).catch(errorOfFailure);
  expect(error).toMatchObject({ code: 'backup-damaged' });
  expect(asked.map((one) => one.step)).toEqual(['write', 'close']);
});
