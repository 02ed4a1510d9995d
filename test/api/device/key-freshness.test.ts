/** What is pushed about a key counts from the next request on, in every process; and so does the end of a key's time. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SerialService } from '../../../src/api/device/serial-service.ts';
import { encodeStream, type HeaderValue } from '../../../src/assertions/index.ts';
import { openDatabase, type Database } from '../../../src/storage/index.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
/** The service in another process, as far as memory is concerned: a database connection and caches of its own. */
let elsewhere: SerialService;
let connection: Database;
let revision = 0;
let now = new Date();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-freshness-'));
  rig = await openModelService({ folder, smallKeys: 2 });
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: await rig.addKey('serials') });
  connection = await openDatabase({ file: join(folder, 'airlock.sqlite') });
  elsewhere = serviceOn(connection);
});

beforeEach(async () => {
  now = new Date();
  await push({});
});

afterAll(async () => {
  await connection.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

function serviceOn(database: Database): SerialService {
  return new SerialService({
    database,
    secrets: rig.secrets,
    provisioner: rig.provisioner,
    clock: () => now,
    random: (bytes) => randomBytes(bytes),
  });
}

/** A new revision of the account-key that the brand's models are signed with. */
async function push(headers: Readonly<Record<string, HeaderValue>>): Promise<void> {
  revision += 1;
  const of = { ...headers, revision: String(revision) };
  await rig.addAssertions([await rig.chain.accountKey(rig.chain.modelKey, 'models', of)]);
}

/** Asks for a serial of the model, as one of a fleet. */
async function ask(): Promise<string> {
  const device = await rig.device(await rig.chain.model('model-a'));
  const request = await device.serialRequest(elsewhere.requestId());
  const incoming = {
    stream: encodeStream([request, device.model]),
    apiKey: 'api-key-of-model-a',
    claimCode: undefined,
    address: '127.0.0.1',
  };
  return elsewhere.serial(incoming).then(
    () => 'served',
    (error: { code: string }) => error.code,
  );
}

describe('a model of a fleet whose key was found good a moment ago', () => {
  it.each([
    ['revoked', { until: '2024-01-01T00:00:00Z' }],
    ['ended', { until: '2024-06-01T00:00:00Z' }],
    ['constrained to other assertions', { constraints: [{ headers: { type: 'serial' } }] }],
    ['constrained to other models', { constraints: [{ headers: { type: 'model', model: 'model-b' } }] }],
  ])('is not trusted once its key is %s', async (_what, headers) => {
    expect([await ask(), await ask()]).toEqual(['served', 'served']);
    await push(headers);
    expect(await ask()).toBe('model-untrusted');
    await push({});
    expect(await ask()).toBe('served');
  });

  it('is not trusted from the moment on at which its key runs out', async () => {
    await push({ until: '2040-01-01T00:00:00Z' });
    now = new Date('2039-12-31T23:59:59Z');
    expect(await ask()).toBe('served');
    now = new Date('2040-01-01T00:00:00Z');
    expect(await ask()).toBe('model-untrusted');
  });
});

describe('the chain that comes with a serial', () => {
  it('has the newest revision of the account-key', async () => {
    const key = await rig.addKey('renewed');
    const model = await rig.chain.model('model-r');
    await rig.addModel('model-r', { apiKey: 'api-key-of-model-r', key });
    const device = await rig.device(model);
    const stream = encodeStream([await device.serialRequest(elsewhere.requestId()), model]);
    const incoming = { stream, apiKey: 'api-key-of-model-r', claimCode: undefined, address: undefined };
    const reply = async () => Buffer.from((await elsewhere.serial(incoming)) ?? []).toString();
    expect(await reply()).not.toContain('until: 2041');
    const until = { until: '2041-01-01T00:00:00Z', revision: '1' };
    await rig.addAssertions([await rig.chain.accountKey(key, 'renewed', until)]);
    expect(await reply()).toContain('until: 2041');
  });
});

describe('a fleet that asks in one moment', () => {
  it('has its model verified once, and the chain of its serials looked up once', async () => {
    const model = await rig.chain.model('model-a');
    const readsOf = async (devices: number) => {
      const counted = countingAssertions(connection);
      const service = serviceOn(counted.database);
      const streams = await Promise.all(
        Array.from({ length: devices }, async () => {
          const device = await rig.device(model);
          return encodeStream([await device.serialRequest(service.requestId()), model]);
        }),
      );
      const incoming = { apiKey: 'api-key-of-model-a', claimCode: undefined, address: undefined };
      const serials = await Promise.all(streams.map((stream) => service.serial({ ...incoming, stream })));
      for (const serial of serials) expect(serial).toBeDefined();
      return counted.reads();
    };
    const one = await readsOf(1);
    expect(one).toBeGreaterThan(0);
    expect(await readsOf(6)).toBe(one);
  });
});

/** The same database, and how often it was asked for assertions. */
function countingAssertions(database: Database): { readonly database: Database; reads(): number } {
  let reads = 0;
  const queries = new Proxy(database.queries, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === 'selectFrom' && args[0] === 'StoredAssertion') reads += 1;
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { database: { ...database, queries }, reads: () => reads };
}
