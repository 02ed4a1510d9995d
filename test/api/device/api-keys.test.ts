import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Assertion } from '../../../src/assertions/index.ts';
import { openEnrolment, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;
let model: Assertion;

beforeAll(async () => {
  enrolment = await openEnrolment();
  model = await enrolment.modelWith('model-lines');
});

afterAll(async () => {
  expect(enrolment.rig.reported).toEqual([]);
  await enrolment.close();
});

const KEYS = '/model/model-lines/api-keys';
const HOUR_MS = 3600_000;
const listed = z.array(
  z.looseObject({ name: z.string(), 'last-used-at': z.string().nullable(), blocked: z.boolean() }),
);

async function create(name: string, of: { readonly 'valid-until'?: string } = {}): Promise<string> {
  const made = await enrolment.admin(201, 'POST', KEYS, { name, ...of });
  return z.string().parse(made['api-key']);
}

async function keys() {
  return new Map(listed.parse(await enrolment.admin(200, 'GET', KEYS)).map((key) => [key.name, key]));
}

describe('two API keys of one model', () => {
  it('both let devices in while both are valid; one that ended, is blocked or deleted is refused from the next request on', async () => {
    const { rig, outcome, admin } = enrolment;
    const end = new Date(Date.now() + HOUR_MS);
    const first = await create('line-1', { 'valid-until': end.toISOString() });
    const second = await create('line-2');
    const devices = [
      await rig.device(model, { proposedSerial: 'L-1' }),
      await rig.device(model, { proposedSerial: 'L-2' }),
    ] as const;
    const asks = (at: 0 | 1, apiKey: string) => outcome(devices[at], { headers: { 'api-key': apiKey } });

    expect([...(await keys()).values()].map((key) => [key.name, key['last-used-at']])).toEqual([
      ['first', null],
      ['line-1', null],
      ['line-2', null],
    ]);
    expect(await asks(0, first)).toBe('L-1');
    const used = await keys();
    expect(used.get('line-1')?.['last-used-at']).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(used.get('line-2')?.['last-used-at']).toBeNull();
    expect(await asks(1, second)).toBe('L-2');
    // Any key of the model serves a device that came with another.
    expect([await asks(0, second), await asks(1, first)]).toEqual(['L-1', 'L-2']);
    expect((await keys()).get('line-2')?.['last-used-at']).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect((await keys()).get('first')?.['last-used-at']).toBeNull();

    rig.setClock(end);
    expect(await asks(0, first)).toBe('403 api-key-expired');
    expect(await asks(0, second)).toBe('L-1');
    rig.setClock(null);
    expect(await asks(0, first)).toBe('L-1');

    // An end that is brought forward holds at once.
    await admin(200, 'PATCH', `${KEYS}/line-1`, { 'valid-until': new Date(0).toISOString() });
    expect(await asks(0, first)).toBe('403 api-key-expired');

    const block = { kind: 'api-key', subject: 'model-lines/line-2' };
    await admin(201, 'POST', '/blocks', { ...block, reason: 'leaked' });
    expect(await asks(1, second)).toBe('403 api-key-blocked');
    expect((await keys()).get('line-2')?.blocked).toBe(true);
    await admin(204, 'POST', '/blocks/delete', block);
    expect(await asks(1, second)).toBe('L-2');

    await admin(204, 'DELETE', `${KEYS}/line-2`);
    expect(await asks(1, second)).toBe('403 api-key-wrong');
    // The key that the model has had from the beginning knows nothing of all that.
    expect(await asks(1, 'api-key-of-model-lines')).toBe('L-2');
    expect([...(await keys()).keys()]).toEqual(['first', 'line-1']);
  });
});
