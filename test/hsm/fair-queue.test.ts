import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../src/hsm/fair-queue.ts';

describe('the queue before the HSM', () => {
  it('gives lanes turns, so that a long lane does not hold up a short one', () => {
    const queue = new FairQueue<string>(10);
    for (const item of ['a1', 'a2', 'a3', 'a4']) queue.add('a', item);
    queue.add('b', 'b1');
    expect(queue.drain()).toEqual(['a1', 'b1', 'a2', 'a3', 'a4']);
  });

  it('takes no more than its limit', () => {
    const queue = new FairQueue<number>(2);
    expect([queue.add('a', 1), queue.add('b', 2), queue.add('c', 3)]).toEqual([true, true, false]);
    expect(queue.take()).toBe(1);
    expect(queue.add('c', 3)).toBe(true);
  });

  it('lets an item that had its turn go first in its lane, even when the queue is full', () => {
    const queue = new FairQueue<string>(2);
    queue.add('a', 'a1');
    queue.add('a', 'a2');
    const taken = queue.take();
    queue.add('a', 'a3');
    queue.putBack('a', taken ?? '');
    expect(queue.size).toBe(3);
    expect(queue.drain()).toEqual(['a1', 'a2', 'a3']);
  });

  const lanes = fc.array(fc.nat({ max: 4 }), { maxLength: 1000 });

  it('loses nothing, invents nothing, and keeps the order within a lane', () => {
    fc.assert(
      fc.property(lanes, (arrivals) => {
        const queue = new FairQueue<{ lane: number; at: number }>(1000);
        arrivals.forEach((lane, at) => queue.add(String(lane), { lane, at }));
        const left = queue.drain();
        expect(left.length).toBe(arrivals.length);
        for (const lane of new Set(arrivals)) {
          const of = left.filter((item) => item.lane === lane).map(({ at }) => at);
          expect(of).toEqual(of.toSorted((one, other) => one - other));
        }
      }),
    );
  });

  it('never serves a lane twice while another lane waits', () => {
    fc.assert(
      fc.property(lanes, (arrivals) => {
        const queue = new FairQueue<number>(1000);
        const waiting = new Map<number, number>();
        for (const lane of arrivals) {
          queue.add(String(lane), lane);
          waiting.set(lane, (waiting.get(lane) ?? 0) + 1);
        }
        let previous: number | undefined;
        for (let lane = queue.take(); lane !== undefined; lane = queue.take()) {
          const others = [...waiting].some(([other, count]) => other !== lane && count > 0);
          if (others) expect(lane).not.toBe(previous);
          waiting.set(lane, (waiting.get(lane) ?? 0) - 1);
          previous = lane;
        }
      }),
    );
  });
});
