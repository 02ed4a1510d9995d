import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import proto from '@temporalio/proto';
import { AirlockError } from '../../src/errors.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { errorOfFailure, withFailures } from '../../src/activities/errors.ts';
import { connectTemporal } from '../../src/worker/connection.ts';
import { createNamespace, ensureNamespace } from '../../src/worker/namespace.ts';
import { workflowBundle } from '../../src/worker/workflow-bundle.ts';
import { about } from '../../src/workflows/search-attributes.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import type { ProbeActivities } from '../support/probe-workflows/index.ts';

const SECRET = 'the text that nobody else may read';
let temporal: TestTemporal;
let bundle: string;
let attempts = 0;

const activities: ProbeActivities = withFailures({
  echo: async ({ text }: { readonly text: string }) => ({ text }),
  refuse: async ({ kind }: { readonly kind: string }): Promise<never> => {
    attempts += 1;
    if (kind === 'unavailable') throw new AirlockError('unavailable', 'hsm-away', 'cannot reach the HSM');
    throw new AirlockError('not-found', 'model-unknown', `cannot find the model: ${SECRET}`);
  },
});

beforeAll(async () => {
  [temporal, bundle] = await Promise.all([
    openTestTemporal(),
    workflowBundle(fileURLToPath(new URL('../support/probe-workflows', import.meta.url))),
  ]);
});
afterAll(() => temporal.close());

const run = (workflow: string, input: object) =>
  withWorkers(
    temporal,
    { airlock: activities },
    (client) =>
      client.workflow.execute(workflow, { taskQueue: 'airlock', workflowId: randomUUID(), args: [input] }),
    bundle,
  );

describe('a worker', () => {
  test('runs workflows, their activities and their local activities', async () => {
    expect(await run('echo', { text: 'a' })).toEqual({ text: 'a' });
    expect(await run('echoLocally', { text: 'b' })).toEqual({ text: 'b' });
  });

  test('hands on an error of ours with its kind, code and sentence, without trying again what cannot be mended', async () => {
    attempts = 0;
    const error = await run('refuse', { kind: 'not-found' }).catch(errorOfFailure);
    expect(error).toMatchObject({
      kind: 'not-found',
      code: 'model-unknown',
      message: expect.stringContaining(SECRET),
    });
    expect(attempts).toBe(1);
  });

  test('tries again what may be mended', async () => {
    attempts = 0;
    const error = await run('refuse', { kind: 'unavailable' }).catch(errorOfFailure);
    expect(error).toMatchObject({ kind: 'unavailable', code: 'hsm-away', message: 'cannot reach the HSM' });
    expect(attempts).toBe(2);
  });

  test('leaves neither input nor result nor error text readable on the server', async () => {
    const workflowId = randomUUID();
    const history = await withWorkers(
      temporal,
      { airlock: activities },
      async (client) => {
        await client.workflow
          .execute('refuse', { taskQueue: 'airlock', workflowId, args: [{ kind: SECRET }] })
          .catch(() => undefined);
        return client.workflow.getHandle(workflowId).fetchHistory();
      },
      bundle,
    );
    const stored = Buffer.from(
      JSON.stringify(history, (_key, value: unknown) => (isBytes(value) ? latin(value) : value)),
    );
    expect(stored.includes('model-unknown')).toBe(true);
    expect(stored.includes(SECRET)).toBe(false);
    expect(stored.includes(Buffer.from(SECRET).toString('base64').slice(0, 24))).toBe(false);
  });
});

test('a worker that dies is given up after the seconds that temporal.yaml says, not after ten', async () => {
  const workflowId = randomUUID();
  await temporal.client.workflow.start('echo', { taskQueue: 'nobody', workflowId, args: [{ text: 'x' }] });
  const { raw } = await temporal.client.workflow.getHandle(workflowId).describe();
  const seconds = Number(raw.executionConfig?.defaultWorkflowTaskTimeout?.seconds);
  expect(`${seconds}s`).toBe(temporal.config.devServer.dynamicConfig['history.defaultWorkflowTaskTimeout']);
  await temporal.client.workflow.getHandle(workflowId).terminate();
});

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

test('workers make the namespace that is configured when it is not there', async () => {
  const namespace = `new-${randomUUID()}`;
  const config = { ...temporal.config, env: { local: { ...temporal.config.env.local, namespace } } };
  const connected = await connectTemporal(config, temporal.dataConverter);
  const other: TestTemporal = { ...temporal, config, temporal: connected, client: connected.client };
  const answer = await withWorkers(
    other,
    { airlock: activities },
    (client) =>
      client.workflow.execute('echo', {
        taskQueue: 'airlock',
        workflowId: randomUUID(),
        args: [{ text: 'new' }],
      }),
    bundle,
  );
  expect(answer).toEqual({ text: 'new' });
  await connected.close();
});

test('a namespace that is there gets the search attributes that it lacks, and keeps the types that it has', async () => {
  const namespace = `older-${randomUUID()}`;
  const local = { ...temporal.config.env.local, namespace };
  const config = (custom: Record<string, 'Keyword' | 'Text'>) => ({
    ...temporal.config,
    env: { local },
    searchAttributes: { custom },
  });
  const connected = await connectTemporal(config({}), temporal.dataConverter);
  await createNamespace(connected.connection, config({ Brand: 'Keyword', Models: 'Text' }));
  await ensureNamespace(connected.connection, { ...temporal.config, env: { local } }, silentLog());
  const { customAttributes } = await connected.connection.operatorService.listSearchAttributes({ namespace });
  const nameOf = (type: number) => proto.temporal.api.enums.v1.IndexedValueType[type];
  expect(
    Object.fromEntries(Object.entries(customAttributes).map(([name, type]) => [name, nameOf(type)])),
  ).toMatchObject({
    Brand: 'INDEXED_VALUE_TYPE_KEYWORD',
    Models: 'INDEXED_VALUE_TYPE_TEXT',
    Serials: 'INDEXED_VALUE_TYPE_KEYWORD_LIST',
  });
  await connected.close();
});

test('a process is found by what it is about', async () => {
  const workflowId = randomUUID();
  await temporal.client.workflow.start('echo', {
    taskQueue: 'nobody',
    workflowId,
    args: [{ text: 'x' }],
    typedSearchAttributes: about({ brand: 'acme', snap: undefined, serials: ['a-1', 'a-2'] }),
  });
  await vi.waitFor(
    async () => {
      const found: string[] = [];
      for await (const one of temporal.client.workflow.list({ query: "Brand = 'acme' AND Serials = 'a-2'" }))
        found.push(one.workflowId);
      expect(found).toEqual([workflowId]);
    },
    { timeout: 30_000, interval: 100 },
  );
  await temporal.client.workflow.getHandle(workflowId).terminate();
});
