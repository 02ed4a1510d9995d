import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DatabaseLocation } from '../../src/storage/index.ts';
import { acts, type Act } from './serial-acts.ts';
import { Ground } from './serial-ground.ts';
import { SerialWorld } from './serial-world.ts';

/**
 * In milliseconds: no further history is begun after this long. A smaller counterexample is worth less than the one that is known
 * by then, and a machine that is many times slower than two cores of its own lives through fewer of them.
 */
const ENOUGH = 100_000;

/** Lives through so many histories, the same ones for the same seed, and compares each with the reference. A failure tells the seed. */
export async function liveHistories(of: {
  readonly seed: number;
  readonly count: number;
  /** A database file of their own unless told. */
  readonly database?: DatabaseLocation;
}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-interleavings-'));
  try {
    const ground = await Ground.open(folder, of.database);
    try {
      const property = fc.asyncProperty(acts, (history) => live(ground, history));
      await fc.assert(property, { seed: of.seed, numRuns: of.count, interruptAfterTimeLimit: ENOUGH });
    } finally {
      await ground.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function live(ground: Ground, history: readonly Act[]): Promise<void> {
  const world = await SerialWorld.begin(ground);
  try {
    for (const act of history) await world.perform(act);
    await world.finish();
  } finally {
    world.end();
  }
}
