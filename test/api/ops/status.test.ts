import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { status } from '../../../src/api/ops/host-contract.ts';
import {
  addPolicy,
  completeSigningKey,
  reserveSigningKey,
} from '../../../src/storage/model-service/index.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../../support/postgresql.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';
import { newHost, type Host } from '../../workflows/carried-store.ts';
import { operatorAt } from './operator.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

test('the store has the port that it listens on, unless its name has another', async () => {
  const host = await newHost();
  await operatorAt(temporal, host, async (operator) => {
    const urlOf = async (domain: string) => {
      const set = { 'proxy.domain': domain };
      expect((await operator.ask('PATCH', '/config', { set })).status).toBe(204);
      return (await operator.answer('GET', '/status', status)).storeUrl;
    };
    expect(await urlOf('store.example')).toBe('http://store.example:8000');
    expect(await urlOf('store.example:9000')).toBe('http://store.example:9000');
  });
});

test.skipIf(!hasPostgreSql)(
  'the server of the database is told by its name, and not where there is none',
  async () => {
    const server = async (host: Host) =>
      operatorAt(
        temporal,
        host,
        async (operator) => (await operator.answer('GET', '/status', status)).databaseServer,
      );
    expect(await server(await newHost())).toBeNull();
    const address = (await temporaryPostgreSql()).replace('airlock@', 'airlock:s3cret@');
    expect(await server(await newHost({ postgresql: address }))).toBe('127.0.0.1');
  },
);

test('the certificate for HTTPS is told with its end', async () => {
  await operatorAt(temporal, await newHost(), async (operator) => {
    const certificate = async () => (await operator.answer('GET', '/status', status)).certificate;
    expect(await certificate()).toBeNull();
    const imported = await operator.ask('PUT', '/tls', { selfSigned: true });
    expect(await certificate()).toEqual(await imported.json());
  });
});

test('a database that takes no changes is told to be read-only, beside all that it knows', async () => {
  const host = await newHost();
  const database = { ...host.database, check: () => Promise.resolve('read-only' as const) };
  await operatorAt(temporal, { ...host, database }, async (operator) => {
    const found = await operator.answer('GET', '/status', status);
    expect(found).toMatchObject({ database: 'read-only', lastBackup: null, stores: [] });
    expect(found.services.every(({ failure }) => failure === null || !failure.includes('database'))).toBe(
      true,
    );
  });
});

test('the HSM is where a worker asks for its work, also when that is another process', async () => {
  const host = await newHost();
  await operatorAt(temporal, host, async (operator) => {
    const hsm = async () => (await operator.answer('GET', '/status', status)).hsm;
    expect(await hsm()).toBeNull();
    await withWorkers(temporal, { hsm: { sign: () => Promise.resolve() } }, async () => {
      let found = await hsm();
      while (found === null) found = await hsm();
      expect(found).toEqual({ state: 'elsewhere', detail: expect.stringMatching(/^with the worker .+/) });
    });
  });
});

test('a key that is missing on its token is named with the models that wait, until their policies name another', async () => {
  const host = await newHost();
  const { queries } = host.database;
  const by = { createdAt: '2026-01-01T00:00:00.000Z', createdBy: 'admin' };
  for (const name of ['lost', 'idle']) {
    await reserveSigningKey(queries, { hsmKeyId: name, token: 'default', brandId: 'brand', name, ...by });
    await completeSigningKey(queries, name, { keyId: `K-${name}`, publicKey: '', fingerprint: '' });
  }
  const policy = (modelName: string, keyId: string) =>
    addPolicy(queries, { brandId: 'brand', modelName, keyId, ...by });
  for (const model of ['model-b', 'model-a']) await policy(model, 'K-lost');
  const token = { name: 'default', state: 'ready', words: 'signs', failure: undefined };
  await operatorAt(
    temporal,
    host,
    async (operator) => {
      const found = async () => (await operator.answer('GET', '/status', status)).missingKeys;
      const lost = { brandId: 'brand', name: 'lost', keyId: 'K-lost', token: 'default' };
      expect(await found()).toEqual([{ ...lost, models: ['model-a', 'model-b'] }]);
      await policy('model-a', 'K-idle');
      expect(await found()).toEqual([{ ...lost, models: ['model-b'] }]);
      await policy('model-b', 'K-idle');
      expect(await found()).toEqual([]);
    },
    () => [{ ...token, lastProbe: { missing: ['lost'] } }],
  );
});

test('a list of devices takes a number of them, and nothing else', async () => {
  const host = await newHost();
  await operatorAt(temporal, host, async (operator) => {
    const refused = z.object({
      'error-list': z.tuple([z.object({ code: z.string(), message: z.string() })]),
    });
    for (const limit of ['x', '0', '1.5', '-1']) {
      const answer = await operator.ask('GET', `/devices?limit=${limit}`);
      expect(answer.status).toBe(400);
      const [{ code, message }] = refused.parse(await answer.json())['error-list'];
      expect({ code, message }).toMatchObject({
        code: 'request-invalid',
        message: expect.stringMatching(/^cannot read the request: limit: /),
      });
    }
    expect((await operator.ask('GET', '/devices?limit=999999')).status).toBe(200);
  });
});
