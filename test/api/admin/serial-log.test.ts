import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeAssertion } from '../../../src/assertions/index.ts';
import { openEnrolment, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;

beforeAll(async () => {
  enrolment = await openEnrolment({ smallKeys: 2 });
});

afterAll(async () => {
  expect(enrolment.rig.reported).toEqual([]);
  await enrolment.close();
});

const page = z.object({
  items: z.array(z.looseObject({ serial: z.string() })),
  'next-cursor': z.string().nullable(),
});
const WITH_ASSERTIONS = 'include-serial-assertion=true&include-serial-request-assertion=true';

async function log(path: string) {
  return page.parse(await enrolment.admin(200, 'GET', path));
}

describe('a signature whose place another took', () => {
  it('stays in the log of its model, in its place: by time, by serial, with its assertions and as CSV', async () => {
    const { rig, gateway, modelWith, admin, key } = enrolment;
    const model = await modelWith('model-board');
    const device = (proposedSerial: string) => rig.device(model, { proposedSerial });
    const old = await device('B-1');
    const former = await old.requestSerial();
    const other = await (await device('B-2')).requestSerial();
    const first = await log('/model/model-board/serial-log?page-size=1');
    expect(first.items[0]).not.toHaveProperty('ended');

    await admin(201, 'POST', '/model/model-board/replacements', { serial: 'B-1', reason: 'burnt' });
    const board = await device('B-1');
    const renewed = await board.requestSerial();
    const all = [former, other, renewed].map(({ bytes }) => Buffer.from(bytes).toString());

    const { items } = await log(`/model/model-board/serial-log?${WITH_ASSERTIONS}`);
    expect(items.map((item) => item['serial-assertion'])).toEqual(all);
    expect(items.map(({ ended }) => ended)).toEqual([
      { reason: 'board-replaced', at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+$/) },
      undefined,
      undefined,
    ]);
    expect(Object.keys(items[0] ?? {})).toEqual([...Object.keys(items[1] ?? {}), 'ended']);
    expect(decodeAssertion(String(items[0]?.['serial-request-assertion'])).type).toBe('serial-request');
    expect(items[0]?.['device-key-sha3-384']).toBe(old.signer.publicKey.keyId);

    const one = await log(`/model/model-board/serial/B-1/serial-log?${WITH_ASSERTIONS}`);
    expect(one.items).toEqual([items[0], items[2]]);
    // The page that was read before the board was replaced has its next one still.
    const next = await log(
      `/model/model-board/serial-log?${WITH_ASSERTIONS}&cursor=${first['next-cursor'] ?? ''}`,
    );
    expect(next.items).toEqual(items.slice(1));

    const csv = await gateway.call('GET', gateway.brand('/model/model-board/serial-log?format=csv'));
    const lines = csv.text
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(','));
    const column = (name: string) => lines.slice(1).map((cells) => cells[lines[0]?.indexOf(name) ?? -1]);
    expect(column('serial')).toEqual(['B-1', 'B-2', 'B-1']);
    // One key in 64 has an id that a spreadsheet would take for a formula: it stands behind an apostrophe.
    const keyId = key.keyId.startsWith('-') ? `'${key.keyId}` : key.keyId;
    expect(column('serial-sign-key-sha3-384')).toEqual([keyId, keyId, keyId]);
    expect(column('api-key-name')).toEqual(['first', 'first', 'first']);
    expect(column('ended-reason')).toEqual(['board-replaced', '', '']);
    expect(column('ended-at').map((at) => at !== '')).toEqual([true, false, false]);
  });

  it('stays there when its key was revoked', async () => {
    const { rig, key, modelWith, ask } = enrolment;
    const next = await rig.addKey('serials-next');
    const model = await modelWith('model-revoked');
    const device = await rig.device(model, { proposedSerial: 'K-1' });
    await ask(device);
    await rig.addAssertions([
      await rig.chain.accountKey(key, 'serials', { until: '2024-01-01T00:00:00Z', revision: '1' }),
    ]);
    await rig.addPolicy('model-revoked', next);
    await ask(device);
    const { items } = await log('/model/model-revoked/serial-log');
    expect(items).toMatchObject([
      { serial: 'K-1', 'serial-sign-key-sha3-384': key.keyId, ended: { reason: 'key-revoked' } },
      { serial: 'K-1', 'serial-sign-key-sha3-384': next.keyId },
    ]);
    expect(items[1]).not.toHaveProperty('ended');
  });
});
