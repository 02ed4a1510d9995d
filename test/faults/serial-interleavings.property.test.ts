import { describe, it } from 'vitest';
import { liveHistories } from './serial-histories.ts';

describe('two hosts, while devices ask, replay and remodel, an operator blocks, rotates and permits, and hosts fail and die', () => {
  it('give each request an answer that the reference permits, and leave exactly what it says', async () => {
    await liveHistories({ seed: 20261126, count: 60 });
    // Sixty lives take half a minute, on a busy machine several times that.
  }, 400_000);
});
