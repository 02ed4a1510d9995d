import { createHash } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deadlinesOf } from '../../src/appliance/hsm-tokens.ts';
import { parseHsmKeyId } from '../../src/hsm/index.ts';
import { openSlowToken, type SlowTokenOptions } from '../support/slow-token.ts';

const [big, small] = [parseHsmKeyId('01'), parseHsmKeyId('02')];
const digests = Array.from({ length: 60 }, (_, index) => createHash('sha512').update(String(index)).digest());
const [digest = Buffer.alloc(64)] = digests;

async function slowToken(options: Partial<SlowTokenOptions>) {
  const hsm = await openSlowToken({ perSecond: 20, keys: [big, small], ...options });
  onTestFinished(() => hsm.close());
  return hsm;
}

describe('a token that signs slowly', () => {
  it('serves a brand with one device before a brand with many has all of its own', async () => {
    const hsm = await slowToken({});
    let done = 0;
    const many = digests.map((each) => hsm.sign(big, each).then(() => done++));
    await hsm.sign(small, digest);
    expect(done).toBeLessThan(digests.length / 2);
    await Promise.all(many);
    expect([...hsm.status().signatures]).toEqual(
      expect.arrayContaining([
        [big, 60],
        [small, 1],
      ]),
    );
  });

  it('serves the devices of one brand in their order', async () => {
    const hsm = await slowToken({ perSecond: 100 });
    const order: number[] = [];
    await Promise.all(digests.map((each, index) => hsm.sign(big, each).then(() => order.push(index))));
    expect(order).toEqual(order.toSorted((one, other) => one - other));
  });

  it('is not taken for dead because calls have to wait for one another', async () => {
    // Eight calls are on their way at once: the last of them takes four times the deadline of one.
    const hsm = await slowToken({ perSecond: 4, hsm: { deadlines: { sign: 600 } } });
    await Promise.all(digests.slice(0, 10).map((each) => hsm.sign(big, each)));
    expect(hsm.status().connections.attempts).toBe(1);
  });

  it('signs at the pace that the read-timeout allows, and is taken for hung beyond', async () => {
    const options = { perSecond: 0.4, keys: [big] };
    const patient = await slowToken({ ...options, hsm: { deadlines: deadlinesOf(60) } });
    const usual = await slowToken({ ...options, hsm: { deadlines: deadlinesOf(15) } });
    const [signed, hung] = await Promise.allSettled([patient.sign(big, digest), usual.sign(big, digest)]);
    expect(signed.status).toBe('fulfilled');
    expect(patient.status().connections.attempts).toBe(1);
    expect(hung).toMatchObject({ status: 'rejected', reason: { code: 'hsm-timeout' } });
  });
});
