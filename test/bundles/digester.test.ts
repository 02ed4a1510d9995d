import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { digestingSlots } from '../../src/bundles/digester.ts';
import { takeBlock } from '../../src/bundles/file-blocks.ts';

const KiB = 2 ** 10;
const SLOT = 256 * KiB;
/** Enough for a thread, and too little for one. */
const EXPECTED = { large: 64 * KiB * KiB, small: 64 * KiB };

/** Digests so many slots of random bytes; `stop` leaves the digest unfinished. */
async function digested(expected: number, slots: number, stop = false) {
  const digesting = digestingSlots(8, SLOT, expected);
  const wanted = createHash('sha3-384');
  try {
    const stream = digesting.digester.begin(expected);
    for (let n = 0; n < slots; n++) {
      const { memory, release } = await digesting.slots.take();
      randomBytes(memory.length).copy(memory);
      wanted.update(memory);
      await stream.update(memory);
      release();
    }
    return stop ? undefined : { found: await stream.digest(), wanted: wanted.digest('hex') };
  } finally {
    await digesting.close();
  }
}

describe.each(Object.entries(EXPECTED))('digests of what is %s', (_, expected) => {
  test('are those of their bytes, however many are made at once and after each other', async () => {
    for (let round = 0; round < 2; round++)
      for (const one of await Promise.all(Array.from({ length: 6 }, (_, n) => digested(expected, n + 1))))
        expect(one?.found).toBe(one?.wanted);
  });

  test('know nothing of one that was left before its end', async () => {
    await digested(expected, 3, true);
    const next = await digested(expected, 2);
    expect(next?.found).toBe(next?.wanted);
  });
});

test('slots that somebody still holds are nobody else’s when the others are given back', async () => {
  // Nothing is kept from before: there is room for what is given back.
  for (let n = 0; n < 64; n++) takeBlock();
  const first = digestingSlots(2, SLOT, EXPECTED.small);
  const [held, given] = [await first.slots.take(), await first.slots.take()];
  given.release();
  await first.close();
  const second = digestingSlots(8, SLOT, EXPECTED.small);
  const taken = [await second.slots.take(), await second.slots.take(), await second.slots.take()];
  expect(taken.map(({ memory }) => memory.buffer)).not.toContain(held.memory.buffer);
  expect(taken.map(({ memory }) => memory.buffer)).toContain(given.memory.buffer);
});
