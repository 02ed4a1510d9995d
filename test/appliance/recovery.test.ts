/**
 * How long the way back can take once an HSM answers again, as the sum of the pauses on it: by rule and not by a stopwatch. That the
 * first try after its return finds it is tested in test/hsm/recovery.test.ts.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff, TOKEN_BACKOFF } from '../../src/hsm/backoff.ts';
import { keyGeneration, owedByHsm, serialBatch } from '../../src/workflows/options.ts';

/** Within this time of its return the service works again by itself, in milliseconds. */
const PROMISED = 5000;

/** The pauses of a batch between two of its rounds and within one. */
function batchPauses(): number[] {
  const { initialInterval, backoffCoefficient, maximumAttempts } = serialBatch.retry;
  const within = Array.from(
    { length: maximumAttempts - 1 },
    (_, attempt) => initialInterval * backoffCoefficient ** attempt,
  );
  return [...within, serialBatch.pause];
}

test('a batch of serials signs within the promised time: the longest pause of the token and all of the batch fit into it', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (tries, random) => {
      const backoff = new Backoff(TOKEN_BACKOFF, () => random);
      for (let index = 0; index < tries; index += 1) backoff.next();
      const sum = backoff.next() + batchPauses().reduce((one, other) => one + other, 0);
      expect(sum).toBeLessThan(PROMISED);
    }),
    { numRuns: 100 },
  );
});

test.each([
  ['the making of a key', keyGeneration],
  ['what else is owed by the HSM', owedByHsm],
])('%s is tried again within the promised time, for as long as the HSM is away', (_, { retry }) => {
  expect(retry.maximumInterval).toBe('5s');
  expect(retry).not.toHaveProperty('maximumAttempts');
});
