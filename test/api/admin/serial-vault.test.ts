import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '../../../src/assertions/index.ts';
import { findAssertion } from '../../../src/storage/index.ts';
import { newSigner } from '../../support/brand-chain.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let gateway: TestGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-vault-'));
  rig = await openModelService({ folder, smallKeys: 2 });
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

  it('keeps a device its serial whatever it proposes, whoever may enrol, as the next revision', async () => {
    const name = 'vault-known';
    const model = await rig.chain.model(name);
    const [silent, changed, closed] = await Promise.all([
      rig.device(model),
      rig.device(model, { proposedSerial: 'OTHER' }),
      rig.device(model, { proposedSerial: 'K-3' }),
    ]);
    const logs = [silent, changed, closed].map((device, index) => ({
      make: rig.chain.brandId,
      model: name,
      serialnumber: `K-${String(index + 1)}`,
      fingerprint: device.signer.publicKey.keyId,
      created: '2020-02-02T02:02:02Z',
      revision: index,
    }));
    const again = { ...logs[2], revision: 7, created: '2021-02-02T02:02:02Z' };
    const models = [{ 'brand-id': rig.chain.brandId, model: name, 'api-key': `api-key-of-${name}` }];
    const document = { models, logs: [...logs, again] };
    expect((await gateway.call('POST', gateway.brand('/serial-vault/import'), document)).status).toBe(201);
    await rig.addPolicy(name, await rig.addKey('serials-known'));
    const given = [];
    for (const device of [silent, changed]) given.push(await device.requestSerial());
    await gateway.call('PUT', gateway.brand(`/model/${name}/enrolment`), { quota: 0 });
    given.push(await closed.requestSerial());
    expect(given.map((serial) => [text(serial, 'serial'), serial.revision])).toEqual([
      ['K-1', 1],
      ['K-2', 2],
      ['K-3', 8],
    ]);
    await expect((await rig.device(model)).requestSerial()).rejects.toThrow('used up');

    // Its board is replaced: the serial is still in the other service's log alone.
    const burnt = { ...logs[0], serialnumber: 'K-9', fingerprint: 'b'.repeat(64), revision: 3 };
    await gateway.call('POST', gateway.brand('/serial-vault/import'), { logs: [burnt] });
    const permit = { serial: 'K-9', reason: 'burnt' };
    const granted = await gateway.call('POST', gateway.brand(`/model/${name}/replacements`), permit);
    expect(granted.status, granted.text).toBe(201);
    const board = await (await rig.device(model, { proposedSerial: 'K-9' })).requestSerial();
    expect([text(board, 'serial'), board.revision]).toEqual(['K-9', 4]);
  });

  it('includes the account-keys of its signing keys, where they lead to a trusted root', async () => {
    const [old, foreign] = [newSigner().publicKey, newSigner().publicKey];
    const accountKey = Buffer.from((await rig.chain.accountKey(old, 'old')).bytes).toString();
    const row = (KeyID: string, Assertion: string, AuthorityID = rig.chain.brandId) => ({
      ID: 1,
      AuthorityID,
      KeyID,
      Active: true,
      Assertion,
      KeyName: 'old',
    });
    const keypairs = [
      row(old.keyId, accountKey),
      row(foreign.keyId, accountKey),
      row('forged', accountKey.replace('name: old', 'name: new')),
      row('bare', ''),
      row('theirs', accountKey, 'another-brand'),
    ];
    const path = gateway.brand('/serial-vault/import');
    const plan = await gateway.call('POST', `${path}?dry-run=true`, { keypairs });
    expect(plan.json).toMatchObject({ 'account-keys': 1 });
    const kept = () => findAssertion(rig.database.queries, 'account-key', [old.keyId]);
    expect(await kept()).toBeUndefined();
    const done = await gateway.call('POST', path, { keypairs });
    expect(done.json).toMatchObject({ 'account-keys': 1 });
    expect(done.json.refused.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual(
      ['bare', 'forged', foreign.keyId].toSorted(),
    );
    expect((await kept())?.bytes.toString()).toBe(accountKey);
  });

  it('is refused as a whole when it is something else', async () => {
    const path = gateway.brand('/serial-vault/import');
    expect((await gateway.call('POST', path, 'not JSON')).json['error-list'][0].code).toBe('list-malformed');
    expect(
      (await gateway.call('POST', path, { logs: [{ make: 1 }] })).json['error-list'][0].message,
    ).toContain('logs.0');
  });

  it('may have a log of 100,000 rows of usual length, and is to be split when it has more', async () => {
    const path = `${gateway.brand('/serial-vault/import')}?dry-run=true`;
    const rowAt = (index: number) => ({
      id: index,
      make: rig.chain.brandId,
      model: 'vault-model-of-usual-length',
      serialnumber: `SN-2024-${String(index).padStart(10, '0')}`,
      fingerprint: String(index).padStart(64, 'f'),
      created: '2020-02-02T02:02:02.123456Z',
      revision: 1,
      syncedAt: '2020-02-02T02:02:02.123456Z',
    });
    const logs = Array.from({ length: 100_000 }, (_, index) => rowAt(index));
    expect(JSON.stringify({ logs }).length).toBeGreaterThan(20_000_000);
    expect((await gateway.call('POST', path, { logs })).json).toMatchObject({
      serials: 100_000,
      refused: [],
    });

    const more = await gateway.call('POST', path, { logs: [...logs, rowAt(logs.length)] });
    expect([more.status, more.json['error-list'][0]]).toEqual([
      400,
      {
        code: 'list-malformed',
        message:
          'cannot read the export of Serial Vault: logs has more than 100000 rows; split it, and import one part after the other',
      },
    ]);
    const large = await gateway.call('POST', path, { padding: ' '.repeat(48 * 1024 * 1024) });
    expect([large.status, large.json['error-list'][0]]).toEqual([
      413,
      {
        code: 'body-too-large',
        message:
          'cannot read the request: its body has more than 50331648 bytes; split the signing log, and import one part after the other',
      },
    ]);
  });

  it('leaves out serials that are not in the strict form, and says which form that is', async () => {
    const logs = ['A.1', 'A_1', 'A 1'].map((serialnumber) => ({
      make: rig.chain.brandId,
      model: 'vault-model',
      serialnumber,
      fingerprint: 'c'.repeat(64),
      created: '2020-02-02T02:02:02Z',
    }));
    const plan = await gateway.call('POST', `${gateway.brand('/serial-vault/import')}?dry-run=true`, {
      logs,
    });
    expect(plan.json.refused).toEqual(
      logs.map(({ serialnumber }) => ({
        subject: `vault-model/${serialnumber}`,
        message:
          'the serial is not made of at most 128 letters and digits with single "-", ":" or "+" between them; its device needs another one',
      })),
    );
  });
});
