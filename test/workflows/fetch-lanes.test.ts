/** In what order a fetch brings its files, whatever time each takes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FetchItem } from '../../src/workflows/fetch-contract.ts';
import { bringFiles, bytesWaiting, writesAsTheyCome } from '../../src/workflows/fetch-lanes.ts';

const item = (snaps: readonly string[], size = 1): FetchItem => ({
  name: snaps[0] ?? '',
  revision: 1,
  size,
  snaps,
  tellsNeeds: false,
});

const names = fc.constantFrom('one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight');
const items = fc.array(
  fc
    .record({
      name: names,
      size: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 2 ** 24, max: 2 ** 30 })),
    })
    .map(({ name, size }) => item([name], size)),
  { minLength: 1, maxLength: 30 },
);

describe('archives that are written as the files come', () => {
  test('each is written once, when the last of its files is here, and no more wait than was asked room for', async () => {
    await fc.assert(
      fc.asyncProperty(items, fc.scheduler(), async (all, scheduler) => {
        const here = new Set<number>();
        const [downloaded, written]: [number[], string[]] = [[], []];
        let [waiting, most] = [0, 0];
        const bringing = bringFiles(all, 0, {
          download: async (index) => {
            // A file takes its room from its first byte on.
            waiting += all[index]?.size ?? 0;
            most = Math.max(most, waiting);
            await scheduler.schedule(Promise.resolve(), `download ${index}`);
            downloaded.push(index);
            here.add(index);
          },
          write: async (snap) => {
            const own = [...all.keys()].filter((index) => all[index]?.snaps.includes(snap));
            expect(own.filter((index) => !here.has(index))).toEqual([]);
            await scheduler.schedule(Promise.resolve(), `write ${snap}`);
            written.push(snap);
            for (const index of own) waiting -= all[index]?.size ?? 0;
          },
        });
        await scheduler.waitFor(bringing);
        expect(downloaded.toSorted((one, other) => one - other)).toEqual([...all.keys()]);
        expect(written.toSorted()).toEqual([...new Set(all.flatMap(({ snaps }) => snaps))].toSorted());
        expect(waiting).toBe(0);
        expect(most).toBeLessThanOrEqual(bytesWaiting(all, true));
      }),
    );
  });

  test.each([
    ['small', 1, 4],
    ['large', 2 ** 24, 2],
  ])('%s ones are written so many at a time: %#', async (_, size, expected) => {
    let [writing, most] = [0, 0];
    const all = Array.from({ length: 20 }, (_, n) => item([`snap-${n}`], size));
    await bringFiles(all, 0, {
      download: () => Promise.resolve(),
      write: async () => {
        most = Math.max(most, (writing += 1));
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        writing -= 1;
      },
    });
    expect(most).toBe(expected);
  });

  test('a file that two snaps have is here before the archive of either', async () => {
    const done: string[] = [];
    const all = [item(['one']), item(['one', 'two']), item(['two'])];
    await bringFiles(all, 0, {
      download: async (index) => void done.push(String(index)),
      write: async (snap) => void done.push(snap),
    });
    expect(done.indexOf('one')).toBeGreaterThan(done.indexOf('1'));
    expect(done.toSorted()).toEqual(['0', '1', '2', 'one', 'two']);
  });

  test('no archive is written once a step failed', async () => {
    const written: string[] = [];
    const all = ['one', 'two', 'three', 'four', 'five'].map((name) => item([name]));
    const bringing = bringFiles(all, 0, {
      download: (index) => (index === 0 ? Promise.reject(new Error('gone')) : Promise.resolve()),
      write: async (snap) => void written.push(snap),
    });
    await expect(bringing).rejects.toThrow('gone');
    expect(written).not.toContain('one');
    expect(written).not.toContain('five');
  });
});

test('archives that wait leave the files in their order, from the first that is not here', async () => {
  const downloaded: number[] = [];
  const all = [item(['one']), item(['two']), item(['one']), item(['two'])];
  await bringFiles(all, 1, { download: async (index) => void downloaded.push(index), write: undefined });
  expect(downloaded).toEqual([1, 2, 3]);
  expect(bytesWaiting(all, false)).toBe(4);
});

test.each([
  ['snaps alone', {}, [false, true], true],
  ['a whole store', { whole: { keys: [], snaps: true } }, [false], false],
  ['snaps with what they need, which the upstream told', { withDependencies: true }, [false, false], true],
  ['snaps with what they need, which a file alone tells', { withDependencies: true }, [false, true], false],
])('of %s archives are written as the files come: %#', (_, wish, tells, expected) => {
  expect(
    writesAsTheyCome(
      wish,
      tells.map((tellsNeeds) => ({ tellsNeeds })),
    ),
  ).toBe(expected);
});
