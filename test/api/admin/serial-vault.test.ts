import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '../../../src/assertions/index.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let gateway: TestGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-vault-'));
  rig = await openModelService({ folder });
  gateway = await openGateway(rig, { workers: false });
});

afterAll(async () => {
  await gateway.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

describe('what a Serial Vault leaves behind', () => {
  it('is taken over: its models with their API keys, and its serials with the device keys that have them', async () => {
    const model = await rig.chain.model('vault-model');
    const known = await rig.device(model, { proposedSerial: 'V-1' });
    const document = {
      success: true,
      models: [
        {
          id: 1,
          'brand-id': rig.chain.brandId,
          model: 'vault-model',
          'api-key': 'api-key-of-vault-model',
          'key-id': 'x',
        },
        { id: 2, 'brand-id': 'another-brand', model: 'theirs', 'api-key': 'k' },
        { id: 3, 'brand-id': rig.chain.brandId, model: 'Bad Name', 'api-key': 'k' },
      ],
      logs: [
        {
          make: rig.chain.brandId,
          model: 'vault-model',
          serialnumber: 'V-1',
          fingerprint: known.signer.publicKey.keyId,
          created: '2020-02-02T02:02:02Z',
          revision: 1,
        },
        {
          make: rig.chain.brandId,
          model: 'vault-model',
          serialnumber: 'V-2',
          fingerprint: 'short',
          created: '2020-02-02T02:02:02Z',
        },
      ],
    };
    const path = gateway.brand('/serial-vault/import');
    const plan = await gateway.call('POST', `${path}?dry-run=true`, document);
    expect(plan.json).toMatchObject({ 'dry-run': true, models: ['vault-model'], serials: 1 });
    expect(plan.json.refused).toHaveLength(2);
    expect((await gateway.call('GET', gateway.brand('/model'))).json).toEqual([]);
    expect((await gateway.call('POST', path, document)).status).toBe(201);
    expect((await gateway.call('POST', path, document)).json).toMatchObject({ models: [], serials: 0 });
    expect((await gateway.call('GET', gateway.brand('/model'))).json).toMatchObject([
      { name: 'vault-model', 'api-key': 'api-key-of-vault-model' },
    ]);

    await rig.addPolicy('vault-model', await rig.addKey('serials'));
    const thief = await rig.device(model, { proposedSerial: 'V-1' });
    await expect(thief.requestSerial()).rejects.toThrow('another device key has it');
    expect(text(await known.requestSerial(), 'serial')).toBe('V-1');
  });

  it('is refused as a whole when it is something else', async () => {
    const path = gateway.brand('/serial-vault/import');
    expect((await gateway.call('POST', path, 'not JSON')).json['error-list'][0].code).toBe('list-malformed');
    expect(
      (await gateway.call('POST', path, { logs: [{ make: 1 }] })).json['error-list'][0].message,
    ).toContain('logs.0');
  });
});
