import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '../../../src/assertions/index.ts';
import { deriveClaim } from '../../../src/devices/index.ts';
import { openEnrolment, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;

beforeAll(async () => {
  enrolment = await openEnrolment();
});

afterAll(async () => {
  expect(enrolment.rig.reported).toEqual([]);
  await enrolment.close();
});

const permit = (model: string, serial: string, more: Record<string, unknown> = {}) =>
  enrolment.admin(201, 'POST', `/model/${model}/replacements`, { serial, reason: 'board burnt', ...more });

const keyOf = (device: { readonly signer: { readonly publicKey: { readonly keyId: string } } }) =>
  device.signer.publicKey.keyId;

describe('a permission for a replaced board', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a quota that is used up', { quota: 1 }],
    ['an allow-list whose entry is taken', { mode: 'allow-list' }],
    ['an approval queue', { mode: 'approval' }],
    ['serials from a pool that is empty', { serials: 'allow-list' }],
    ['numbers that the service makes', { serials: 'made' }],
  ])('stands in place of %s', async (name, policy) => {
    const { rig, modelWith, outcome, admin } = enrolment;
    const modelName = `model-${name.replaceAll(' ', '-')}`;
    const path = `/model/${modelName}`;
    const model = await modelWith(modelName, policy);
    await admin(200, 'POST', `${path}/allow-list`, [{ serial: 'R-1' }]);
    const old = await rig.device(model, { proposedSerial: 'R-1' });
    if ((await outcome(old)) === '202 later')
      await admin(200, 'POST', `${path}/approvals`, { decision: 'approve', 'device-keys': [keyOf(old)] });
    const serial = await outcome(old);
    expect(serial).not.toContain(' ');

    const fresh = await rig.device(model, { proposedSerial: serial });
    expect(await outcome(fresh)).toMatch(policy['serials'] === 'made' ? /^[0-9a-z-]{23}$/ : /^(202|40[39]) /);
    const board = await rig.device(model, { proposedSerial: serial });
    await permit(modelName, serial);
    expect(await outcome(board)).toBe(serial);
    expect(await outcome(board)).toBe(serial);
    expect(await outcome(old)).toBe('403 device-key-blocked');
    const [used] = await admin(200, 'GET', `${path}/replacements`);
    expect(used).toMatchObject({ serial, 'used-by-device-key-sha3-384': keyOf(board) });
  });

  it('stands in place of a window that is closed', async () => {
    const { rig, modelWith, outcome, admin } = enrolment;
    const model = await modelWith('model-closed');
    await outcome(await rig.device(model, { proposedSerial: 'W-1' }));
    await admin(200, 'PUT', '/model/model-closed/enrolment', { 'not-after': '2020-01-01T00:00:00Z' });
    await permit('model-closed', 'W-1');
    expect(await outcome(await rig.device(model, { proposedSerial: 'W-1' }))).toBe('W-1');
  });

  it('moves the list entry, the claim code and the hardware to the new board', async () => {
    const { rig, modelWith, outcome, admin } = enrolment;
    const model = await modelWith('model-moved', { mode: 'claims' });
    const { brandId } = rig.chain;
    const code = deriveClaim(rig.secrets.claims(brandId, 'model-moved'), {
      brandId,
      model: 'model-moved',
      label: 'M-1',
    });
    const headers = { 'claim-code': code };
    const old = await rig.device(model);
    await admin(200, 'POST', '/model/model-moved/allow-list', [
      { serial: 'M-1', 'device-key-sha3-384': keyOf(old) },
    ]);
    expect(await outcome(old, { headers })).toBe('M-1');
    await rig.database.queries
      .insertInto('Voucher')
      .values({
        brandId,
        hardwareKeyId: 'h'.repeat(64),
        issuerId: 'maker',
        hardwareId: 'hw',
        hardwareName: 'hw',
        publicKey: '',
        importedAt: new Date().toISOString(),
        importedBy: 'admin',
        usedBy: keyOf(old),
        usedAt: new Date().toISOString(),
      })
      .execute();

    await permit('model-moved', 'M-1');
    const board = await rig.device(model);
    // It proposes nothing: its claim code, though spent, says which serial it is about.
    expect(await outcome(board, { headers })).toBe('M-1');
    const { items } = await admin(200, 'GET', '/model/model-moved/allow-list');
    expect(items).toMatchObject([
      { 'device-key-sha3-384': keyOf(board), 'taken-by-device-key-sha3-384': keyOf(board) },
    ]);
    const [claim] = await rig.database.queries.selectFrom('SpentClaim').selectAll().execute();
    expect(claim).toMatchObject({ label: 'M-1', deviceKeyId: keyOf(board) });
    const vouchers = await admin(200, 'GET', '/vouchers');
    expect(vouchers.items).toMatchObject([{ 'used-by-device-key-sha3-384': keyOf(board) }]);
  });

  it('that is bound to a device key gives it that serial, whatever it proposes, and nobody else', async () => {
    const { rig, modelWith, outcome } = enrolment;
    const model = await modelWith('model-bound');
    await outcome(await rig.device(model, { proposedSerial: 'B-1' }));
    const silent = await rig.device(model);
    await permit('model-bound', 'B-1', { 'device-key-sha3-384': keyOf(silent) });
    expect(await outcome(await rig.device(model, { proposedSerial: 'B-1' }))).toBe('409 serial-in-use');
    expect(await outcome(silent)).toBe('B-1');
    const other = await rig.device(model, { proposedSerial: 'B-9' });
    await permit('model-bound', 'B-1', { 'device-key-sha3-384': keyOf(other) });
    expect(await outcome(other)).toBe('B-1');
  });

  it('makes the next revision each time, serves once, and is in the log', async () => {
    const { rig, modelWith, ask, outcome, admin, lastAct } = enrolment;
    const model = await modelWith('model-chain');
    const boards = await Promise.all(
      Array.from({ length: 3 }, () => rig.device(model, { proposedSerial: 'C-1' })),
    );
    const revisions: (number | undefined)[] = [];
    for (const [index, board] of boards.entries()) {
      if (index > 0) await permit('model-chain', 'C-1');
      revisions.push((await ask(board)).serial?.revision);
    }
    expect(revisions).toEqual([0, 1, 2]);
    const [, former, last] = boards;
    if (!former || !last) throw new Error('no boards');
    expect(await lastAct()).toMatchObject({
      act: 'serial.replace-board',
      subject: `${rig.chain.brandId}/model-chain/C-1`,
      details: {
        'permitted-by': 'admin-account',
        'former-device-key': keyOf(former),
        'device-key': keyOf(last),
      },
    });
    const stranger = await rig.device(model, { proposedSerial: 'C-1' });
    expect(await outcome(stranger)).toBe('409 serial-in-use');
    const { items } = await admin(200, 'GET', '/model/model-chain/serial-history?serial=C-1');
    expect(items.map((item: { reason: string }) => item.reason)).toEqual([
      'board-replaced',
      'board-replaced',
    ]);
  });

  it('goes to one of two boards that ask at the same time', async () => {
    const { rig, modelWith, outcome } = enrolment;
    const model = await modelWith('model-rush');
    await outcome(await rig.device(model, { proposedSerial: 'T-1' }));
    await permit('model-rush', 'T-1');
    const boards = await Promise.all([1, 2].map(() => rig.device(model, { proposedSerial: 'T-1' })));
    const outcomes = await Promise.all(boards.map((board) => outcome(board)));
    expect(outcomes.toSorted()).toEqual(['409 serial-in-use', 'T-1']);
  });

  it('can be withdrawn until it is used, and ends by itself where it is told to', async () => {
    const { rig, modelWith, outcome, admin, lastAct } = enrolment;
    const model = await modelWith('model-withdrawn');
    await outcome(await rig.device(model, { proposedSerial: 'D-1' }));
    const path = '/model/model-withdrawn/replacements';
    const { id } = await permit('model-withdrawn', 'D-1');
    await admin(204, 'DELETE', `${path}/${String(id)}`);
    expect(await lastAct()).toMatchObject({
      act: 'serial.withdraw-replacement',
      subject: `${rig.chain.brandId}/model-withdrawn/D-1`,
    });
    expect(await outcome(await rig.device(model, { proposedSerial: 'D-1' }))).toBe('409 serial-in-use');
    await admin(404, 'DELETE', `${path}/${String(id)}`);
    await admin(404, 'DELETE', `${path}/one`);

    const past = await permit('model-withdrawn', 'D-1', { 'expires-at': '2026-01-01T00:00:00+01:00' });
    expect(past['expires-at']).toBe('2025-12-31T23:00:00.000000');
    expect(await outcome(await rig.device(model, { proposedSerial: 'D-1' }))).toBe('409 serial-in-use');
    const future = await permit('model-withdrawn', 'D-1', { 'expires-at': '2999-01-01T00:00:00Z' });
    expect(await outcome(await rig.device(model, { proposedSerial: 'D-1' }))).toBe('D-1');
    await admin(404, 'DELETE', `${path}/${String(future.id)}`);
  });

  it('is refused for a serial that nobody has, and for a device key that has one', async () => {
    const { rig, modelWith, outcome, admin } = enrolment;
    const model = await modelWith('model-nobody');
    const path = '/model/model-nobody/replacements';
    const nobody = await admin(404, 'POST', path, { serial: 'N-1', reason: 'r' });
    expect(nobody['error-list']).toEqual([
      { code: 'resource-not-found', message: 'cannot find a device of model "model-nobody" with serial N-1' },
    ]);
    const present = await rig.device(model, { proposedSerial: 'N-2' });
    await outcome(present);
    const bound = { serial: 'N-2', reason: 'r', 'device-key-sha3-384': keyOf(present) };
    expect((await admin(409, 'POST', path, bound))['error-list'][0].code).toBe('device-key-in-use');
    await admin(400, 'POST', path, { ...bound, 'expires-at': 'tomorrow' });
    expect(await admin(200, 'GET', path)).toEqual([]);
  });

  it('does not lift a block of the serial', async () => {
    const { rig, modelWith, outcome, admin } = enrolment;
    const model = await modelWith('model-locked');
    await outcome(await rig.device(model, { proposedSerial: 'L-1' }));
    await permit('model-locked', 'L-1');
    await admin(201, 'POST', '/blocks', { kind: 'serial', subject: 'model-locked/L-1' });
    const board = await rig.device(model, { proposedSerial: 'L-1' });
    expect(await outcome(board)).toBe('403 device-blocked');
    await admin(204, 'POST', '/blocks/delete', { kind: 'serial', subject: 'model-locked/L-1' });
    expect(await outcome(board)).toBe('L-1');
  });

  it('settles what waits in the approval queue', async () => {
    const { rig, modelWith, ask, admin } = enrolment;
    const model = await modelWith('model-settled');
    const old = await ask(await rig.device(model, { proposedSerial: 'Q-1' }));
    await admin(200, 'PUT', '/model/model-settled/enrolment', { mode: 'approval' });
    const board = await rig.device(model, { proposedSerial: 'Q-1' });
    expect((await ask(board)).status).toBe(202);
    await permit('model-settled', 'Q-1');
    const { serial } = await ask(board);
    expect([old.serial?.revision, serial?.revision, serial && text(serial, 'serial')]).toEqual([0, 1, 'Q-1']);
    expect((await admin(200, 'GET', '/model/model-settled/approvals')).items).toEqual([]);
  });
});
