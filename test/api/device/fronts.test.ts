import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEnrolment, type TestEnrolment } from '../../support/enrolment.ts';

let enrolment: TestEnrolment;
let fronts: readonly string[] = [];

beforeAll(async () => {
  enrolment = await openEnrolment({ fronts: async () => fronts });
});

afterAll(() => enrolment.close());

describe('devices that may enrol from some networks only, behind a front server,', () => {
  it('are told apart by what a trusted front says of them, and by nothing that they say themselves', async () => {
    const { rig, modelWith, outcome } = enrolment;
    const model = await modelWith('model-front', { networks: ['192.0.2.0/24'] });
    const device = await rig.device(model, { proposedSerial: 'F-1' });
    const from = (addresses: string) => ({ headers: { 'x-forwarded-for': addresses } });

    expect(await outcome(device, from('192.0.2.9'))).toBe('403 enrolment-network');
    fronts = ['10.0.0.0/8'];
    expect(await outcome(device, from('192.0.2.9'))).toBe('403 enrolment-network');
    fronts = ['127.0.0.1', '::1'];
    expect(await outcome(device)).toBe('403 enrolment-network');
    expect(await outcome(device, from('192.0.2.9, 198.51.100.1'))).toBe('403 enrolment-network');
    expect(await outcome(device, from('198.51.100.1, 192.0.2.9'))).toBe('F-1');
    const row = await rig.database.queries
      .selectFrom('SerialIntent')
      .select('sourceAddress')
      .executeTakeFirstOrThrow();
    expect(row.sourceAddress).toBe('192.0.2.9');
  });
});
