/** A key that may not sign is put into no policy, is not drawn on for a new device, and signs nothing that was promised. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeaderValue, PublicKey } from '../../../src/assertions/index.ts';
import { raiseGeneration } from '../../../src/storage/index.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let gateway: TestGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-key-standing-'));
  // Nothing is signed by itself: each test says when.
  rig = await openModelService({
    folder,
    smallKeys: 1,
    provisioner: { patience: 20, runBatch: async () => undefined },
  });
  gateway = await openGateway(rig, { workers: false });
});

afterAll(async () => {
  await gateway.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

interface Case {
  readonly name: string;
  /** Headers of the account-key; undefined when there is none. */
  readonly extra: Readonly<Record<string, HeaderValue>> | undefined;
  readonly inPolicy: string;
  readonly forDevice: string;
}

const CASES: readonly Case[] = [
  {
    name: 'missing',
    extra: undefined,
    inPolicy: 'signing-key-unregistered',
    forDevice: 'signing-key-unregistered',
  },
  {
    name: 'expired',
    extra: { until: '2024-06-01T00:00:00Z' },
    inPolicy: 'signing-key-expired',
    forDevice: 'signing-key-expired',
  },
  {
    name: 'revoked',
    extra: { until: '2024-01-01T00:00:00Z' },
    inPolicy: 'signing-key-revoked',
    forDevice: 'signing-key-revoked',
  },
  {
    name: 'foreign',
    extra: { 'account-id': 'someone-else' },
    inPolicy: 'signing-key-foreign',
    forDevice: 'authority-not-allowed',
  },
  {
    name: 'constrained',
    extra: { constraints: [{ headers: { type: 'model' } }] },
    inPolicy: 'signing-key-constrained',
    forDevice: 'signing-key-constrained',
  },
];

/** Pushes the account-key that a case is about over the good one, or takes that away. */
async function spoil(key: PublicKey, name: string, { extra }: Case): Promise<void> {
  if (extra !== undefined)
    return rig.addAssertions([await rig.chain.accountKey(key, name, { ...extra, revision: '1' })]);
  await rig.database.queries
    .deleteFrom('StoredAssertion')
    .where('type', '=', 'account-key')
    .where('primaryKey', '=', key.keyId)
    .execute();
  await raiseGeneration(rig.database.queries, 'catalog');
}

async function deviceOf(model: string) {
  const device = await rig.device(await rig.chain.model(model));
  return { device, request: await device.serialRequest(await device.requestId()) };
}

describe.each(CASES)('a key whose account-key is $name', (one) => {
  const model = `model-${one.name}`;
  let key: PublicKey;

  beforeAll(async () => {
    key = await rig.addKey(`key-${one.name}`);
    await rig.addModel(model, { apiKey: `api-key-of-${model}`, key });
  });

  it('signs nothing that was promised before, and is then in no new policy and for no new device', async () => {
    const { device, request } = await deviceOf(model);
    expect(await device.postSerialRequest(request)).toEqual({ ready: false });
    const { id } = await rig.database.queries
      .selectFrom('SerialIntent')
      .select('id')
      .where('modelName', '=', model)
      .executeTakeFirstOrThrow();
    await spoil(key, `key-${one.name}`, one);

    expect(await rig.activities.signSerials({ batch: randomUUID(), intents: [id] })).toEqual({
      signed: 0,
      refused: 1,
    });
    await expect(device.postSerialRequest(request)).rejects.toMatchObject({ status: 409 });

    const policies = gateway.brand(`/model/${model}/serial_policy`);
    const refused = await gateway.call('POST', policies, { 'signing-key-sha3-384': key.keyId });
    expect([refused.status, refused.json['error-list'][0].code]).toEqual([409, one.inPolicy]);
    expect((await gateway.call('GET', policies)).json).toHaveLength(1);

    const late = await deviceOf(model);
    const reply = await fetch(`${rig.server.url}/v1/serial`, {
      method: 'POST',
      headers: { 'api-key': `api-key-of-${model}` },
      body: Buffer.concat([
        Buffer.from(late.request.bytes),
        Buffer.from('\n'),
        Buffer.from(late.device.model.bytes),
      ]),
    });
    expect([reply.status, JSON.parse(await reply.text()).error_code]).toEqual([409, one.forDevice]);
    const intents = await rig.database.queries
      .selectFrom('SerialIntent')
      .select(['id', 'signedAt'])
      .where('modelName', '=', model)
      .execute();
    expect(intents).toEqual([{ id, signedAt: null }]);
  });
});
