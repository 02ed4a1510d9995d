import { describe, expect, test } from 'vitest';
import { atOnce, inTurns } from '../src/at-once.ts';

const failing = (text: string) => Promise.reject(new Error(text));

describe('so many at a time', () => {
  test('every item is done once, and never more of them at a time', async () => {
    let [running, most] = [0, 0];
    const done: number[] = [];
    await atOnce(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      done.push(item);
      running -= 1;
    });
    expect({ most, done }).toEqual({ most: 3, done: [1, 2, 3, 4, 5, 6, 7] });
  });

  test('the failure that came first is told, after what was under way, and nothing is begun after it', async () => {
    const begun: number[] = [];
    const { promise: second, resolve: afterSecond } = Promise.withResolvers<void>();
    const work = async (item: number) => {
      begun.push(item);
      if (item === 2) {
        afterSecond();
        await failing('the cause');
      }
      await second;
      await failing('what came of it');
    };
    await expect(atOnce(2, [1, 2, 3], work)).rejects.toThrow('the cause');
    expect(begun).toEqual([1, 2]);
  });
});

describe('in turns', () => {
  test('work that came first is done first, so much at a time', async () => {
    const inTurn = inTurns(2);
    const ends = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
    const begun: number[] = [];
    const all = ends.map(({ promise }, index) =>
      inTurn(() => {
        begun.push(index);
        return promise;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[1]?.resolve();
    await all[1];
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    for (const { resolve } of ends) resolve();
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  test('a failure is told to whoever asked, and gives its turn to the next', async () => {
    const inTurn = inTurns(1);
    const [failed, next] = [inTurn(() => failing('no')), inTurn(() => Promise.resolve('yes'))];
    await expect(failed).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
  });
});
