import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/hsm/backoff.ts';

const LIMITS = { first: 100, longest: 2000 };

describe('the pause between two tries to reach the HSM', () => {
  it('doubles up to its longest', () => {
    const backoff = new Backoff(LIMITS, () => 1);
    expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
  });

  it('is short again after a success', () => {
    const backoff = new Backoff(LIMITS, () => 1);
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('never takes longer than promised, however long the HSM is away', () => {
    fc.assert(
      fc.property(fc.nat({ max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (tries, random) => {
        const backoff = new Backoff(LIMITS, () => random);
        let pause = 0;
        for (let index = 0; index <= tries; index++) pause = backoff.next();
        expect(pause).toBeGreaterThanOrEqual(LIMITS.first / 2);
        expect(pause).toBeLessThanOrEqual(LIMITS.longest);
      }),
      { numRuns: 50 },
    );
  });
});
