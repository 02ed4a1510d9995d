import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SerialService } from '../../../src/api/device/serial-service.ts';
import { decodeStream, encodeStream, text, type Assertion } from '../../../src/assertions/index.ts';
import { deriveClaim, DeviceError, hardwareKeyId, OPEN_ENROLMENT } from '../../../src/devices/index.ts';
import { openDatabase } from '../../../src/storage/index.ts';
import {
  addPermit,
  addRemodel,
  addVoucher,
  listAllowList,
  putAllowList,
  touchModel,
} from '../../../src/storage/model-service/index.ts';
import type { Device } from '../../support/device.ts';
import { heldTransaction } from '../../support/held-transaction.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';
import { hasPostgreSql, someoneWaits, temporaryPostgreSql } from '../../support/postgresql.ts';
import { secondHost } from '../../support/second-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe.skipIf(!hasPostgreSql)('two hosts on one PostgreSQL that decide in the same moment', () => {
  it(
    'decide as one would, whatever each had written when the other looked',
    { timeout: 120_000 },
    async () => {
      const postgresql = await temporaryPostgreSql();
      const rig = await openModelService({
        folder: await temporaryFolder(),
        smallKeys: 1,
        database: { postgresql },
      });
      onTestFinished(() => rig.close());
      const { brandId } = rig.chain;
      const { queries } = rig.database;
      const key = await rig.addKey('serials');
      const databases = [await openDatabase({ postgresql }), await openDatabase({ postgresql })] as const;
      for (const database of databases) onTestFinished(() => database.close());
      const at = new Date();

      const modelOf = async (name: string, policy: object = {}): Promise<Assertion> => {
        await rig.addModel(name, { apiKey: 'api-key', key });
        const enrolment = { ...OPEN_ENROLMENT, ...policy };
        await touchModel(queries, { brandId, name }, { by: 'admin', at, enrolment });
        return rig.chain.model(name);
      };
      const ask = async (host: SerialService, device: Device, of: Asked = {}): Promise<string> => {
        const model = of.model ?? device.model;
        const requestId = host.requestId();
        const extra = { model: text(model, 'model') };
        const request = await device.serialRequest(requestId, extra, of.body?.(requestId));
        const stream = encodeStream([request, model]);
        const incoming = { stream, apiKey: 'api-key', claimCode: of.claimCode, address: undefined };
        return host.serial(incoming).then(
          (answer) => {
            const [serial] = decodeStream(answer ?? new Uint8Array());
            return serial === undefined ? 'later' : text(serial, 'serial');
          },
          (error: unknown) => {
            if (error instanceof DeviceError) return error.code;
            throw error;
          },
        );
      };
      /** What two requests lead to of which the second one is looked at when the first is decided and not yet committed. */
      const meet = async (
        first: readonly [Device, Asked?],
        second: readonly [Device, Asked?],
      ): Promise<[string, string]> => {
        const gate = heldTransaction(databases[0]);
        const one = secondHost(rig, gate.host);
        const other = secondHost(rig, databases[1]);
        onTestFinished(one.close);
        onTestFinished(other.close);
        const early = ask(one.service, ...first);
        await gate.decided;
        const late = ask(other.service, ...second);
        await Promise.race([late, someoneWaits(rig.database)]);
        gate.commit();
        return Promise.all([early, late]);
      };

      const counted = await modelOf('model-quota', { quota: 1 });
      expect(
        await meet(
          [await rig.device(counted, { proposedSerial: 'Q-1' })],
          [await rig.device(counted, { proposedSerial: 'Q-2' })],
        ),
      ).toEqual(['Q-1', 'enrolment-quota']);

      // A pool: each takes another number.
      const pool = await modelOf('model-pool', { serials: 'allow-list' });
      const place = { brandId, modelName: 'model-pool' };
      const entries = ['L-1', 'L-2'].map((serial) => ({ serial, deviceKeyId: undefined, note: '' }));
      await putAllowList(queries, place, entries, { actor: 'admin', at });
      expect(await meet([await rig.device(pool)], [await rig.device(pool)])).toEqual(['L-1', 'L-2']);
      const listed = await listAllowList(queries, place, { after: 0, limit: 10 });
      expect(new Set(listed.map(({ takenBy }) => takenBy)).size).toBe(2);

      // One listed serial, two devices.
      const list = await modelOf('model-list', { mode: 'allow-list' });
      await putAllowList(queries, { brandId, modelName: 'model-list' }, entries, { actor: 'admin', at });
      const twins = [1, 2].map(() => rig.device(list, { proposedSerial: 'L-1' }));
      const [one, two] = await Promise.all(twins);
      if (!one || !two) throw new Error('no twins');
      expect(await meet([one], [two])).toEqual(['L-1', 'enrolment-not-listed']);

      // One claim code, two devices.
      const claimed = await modelOf('model-claim', { mode: 'claims' });
      const claim = { brandId, model: 'model-claim', label: 'C-1' };
      const claimCode = deriveClaim(rig.secrets.claims(brandId, 'model-claim'), claim);
      expect(
        await meet([await rig.device(claimed), { claimCode }], [await rig.device(claimed), { claimCode }]),
      ).toEqual(['C-1', 'enrolment-claim-spent']);

      // One hardware, two device keys.
      const proven = await modelOf('model-hardware', { 'hardware-identity': 'required' });
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const hardware = await vouch(rig, pair.publicKey);
      const body = (requestId: string) =>
        JSON.stringify({
          'hardware-id-key-sha384': hardware,
          'request-id-signature': createSign('sha256')
            .update(requestId)
            .sign(pair.privateKey)
            .toString('base64'),
        });
      expect(
        await meet(
          [await rig.device(proven, { proposedSerial: 'H-1' }), { body }],
          [await rig.device(proven, { proposedSerial: 'H-2' }), { body }],
        ),
      ).toEqual(['H-1', 'hardware-identity-in-use']);

      // One device, two models of a brand with remodel rules: one identity.
      const stamps = { createdAt: at.toISOString(), createdBy: 'admin', modifiedAt: null, modifiedBy: null };
      const line = { fromModel: 'some', toModel: 'others', fromSerial: '', description: '' };
      await addRemodel(queries, { brandId, ...line, ...stamps });
      const [here, there] = [await modelOf('model-here'), await modelOf('model-there')];
      const device = await rig.device(here, { proposedSerial: 'I-1' });
      expect(await meet([device], [device, { model: there }])).toEqual(['I-1', 'remodel-required']);

      // One permission, two boards.
      const replaced = await modelOf('model-board');
      await ask(rig.service, await rig.device(replaced, { proposedSerial: 'B-1' }));
      const permit = { serial: 'B-1', deviceKeyId: null, reason: 'r', expiresAt: null, by: 'admin', at };
      await addPermit(queries, { brandId, modelName: 'model-board' }, permit);
      expect(
        await meet(
          [await rig.device(replaced, { proposedSerial: 'B-1' })],
          [await rig.device(replaced, { proposedSerial: 'B-1' })],
        ),
      ).toEqual(['B-1', 'serial-in-use']);
      expect(rig.reported).toEqual([]);
    },
  );
});

interface Asked {
  readonly model?: Assertion;
  readonly claimCode?: string | undefined;
  readonly body?: (requestId: string) => string;
}

async function vouch(rig: TestModelService, publicKey: KeyObject): Promise<string> {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const body = pem.split('\n').slice(1, -2).join('\n');
  await addVoucher(rig.database.queries, rig.chain.brandId, {
    hardwareKeyId: hardwareKeyId(body),
    issuerId: 'maker',
    hardwareId: 'hw-1',
    hardwareName: 'hw',
    publicKey: body,
    importedAt: new Date().toISOString(),
    importedBy: 'admin',
  });
  return hardwareKeyId(body);
}
