import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseHsmKeyId } from '../../src/hsm/index.ts';
import { findSigningKey, removeSigningKey } from '../../src/storage/model-service/index.ts';
import { deviceKeys, ended, persist, SerialFleet } from './serial-fleet.ts';

let folder: string;
let fleet: SerialFleet;
const keys = deviceKeys(4);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-sweeps-'));
  fleet = await SerialFleet.open(folder);
});

afterAll(async () => {
  await fleet.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a sweep that dies', () => {
  it.each(['promises-before-close', 'promises-after-close'] as const)(
    'at %s closes every promise that no key can keep, and each once; the devices are judged anew',
    async (point) => {
      const model = `model-${point}`;
      const { rig } = fleet;
      const { queries } = rig.database;
      const lostKey = await rig.addKey(`lost-${point}`);
      const devices = await fleet.devices(model, keys, lostKey);
      await fleet.kill();
      const dying = await fleet.start('serials-before-sign');
      const asked = Promise.all(devices.map((device) => persist(device)));
      await ended(dying);
      const open = await queries
        .selectFrom('SerialIntent')
        .select('id')
        .where('modelName', '=', model)
        .execute();
      const lost = await findSigningKey(queries, lostKey.keyId);
      await rig.hsm.deleteKey(parseHsmKeyId(lost?.hsmKeyId ?? ''));
      await removeSigningKey(queries, lost?.hsmKeyId ?? '');
      const nextKey = await rig.addKey(`next-${point}`);
      await rig.addPolicy(model, nextKey);

      const swept = fleet.sweep(point);
      const later = { parts: 'worker', ahead: 120_000 } as const;
      const sweeping = await fleet.start(point, later);
      await ended(sweeping);
      expect(sweeping.signalCode).toBe('SIGKILL');
      const worker = await fleet.start('', later);
      await swept;
      worker.kill('SIGKILL');
      await ended(worker);
      const closed = await queries
        .selectFrom('SerialHistory')
        .select(['draftId', 'reason'])
        .where('modelName', '=', model)
        .execute();
      expect(closed.toSorted(byDraft)).toEqual(
        open.map(({ id }) => ({ draftId: id, reason: 'key-deleted' })).toSorted(byDraft),
      );

      await fleet.start();
      await asked;
      await fleet.settle();
      await fleet.checkLog(devices, { givenUp: open.length, reason: 'key-deleted' });
    },
  );
});

function byDraft(one: { readonly draftId: string | null }, other: { readonly draftId: string | null }) {
  return (one.draftId ?? '') < (other.draftId ?? '') ? -1 : 1;
}
