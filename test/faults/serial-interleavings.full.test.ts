import { describe, it } from 'vitest';
import { liveHistories } from './serial-histories.ts';

describe('two hosts, in more histories', () => {
  it.each([1, 2, 3])('leave exactly what the reference says, seed %i', async (seed) => {
    await liveHistories({ seed, count: 120 });
  });
});
