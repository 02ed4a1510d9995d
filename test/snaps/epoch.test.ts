import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canRead, parseEpoch } from '../../src/snaps/index.ts';

const ascending = fc
  .uniqueArray(fc.nat(12), { minLength: 1, maxLength: 10 })
  .map((list) => list.sort((a, b) => a - b));

describe('an epoch', () => {
  it.each([
    [undefined, [0], [0]],
    [null, [0], [0]],
    ['', [0], [0]],
    [0, [0], [0]],
    ['7', [7], [7]],
    ['7*', [6, 7], [7]],
    [{}, [0], [0]],
    [{ read: [1, 2] }, [1, 2], [2]],
    [{ write: [1, 2] }, [1, 2], [1, 2]],
    [{ read: [1, 2, 3], write: [2] }, [1, 2, 3], [2]],
  ])('%j is read %j, write %j', (value, read, write) => {
    expect(parseEpoch(value)).toEqual({ read, write });
  });

  it.each([
    '0*',
    '-1',
    '1.5',
    '01',
    'x',
    '4294967296',
    { read: [] },
    { read: [2, 1] },
    { read: [1], write: [2] },
    { other: 1 },
    [1],
    true,
  ])('refuses %j', (value) => {
    expect(() => parseEpoch(value)).toThrow(expect.objectContaining({ code: 'epoch-invalid' }));
  });

  it('has ascending lists that share a number, whatever it was read from', () => {
    const anything = fc.oneof(
      fc.nat(20),
      fc.stringMatching(/^[0-9]{1,3}\*?$/),
      fc.record({ read: ascending, write: ascending }),
    );
    fc.assert(
      fc.property(anything, (value) => {
        let epoch;
        try {
          epoch = parseEpoch(value);
        } catch (error) {
          expect(error).toMatchObject({ code: 'epoch-invalid' });
          return;
        }
        const { read, write } = epoch;
        expect(read.filter((n) => write.includes(n))).not.toEqual([]);
        for (const list of [read, write]) expect(list).toEqual([...new Set(list)].sort((a, b) => a - b));
        expect(canRead(epoch, epoch)).toBe(true);
      }),
    );
  });

  it('is readable exactly when one reads what the other wrote', () => {
    fc.assert(
      fc.property(ascending, ascending, (read, write) => {
        const next = { read, write: [read[0] ?? 0] };
        const current = { read: write, write };
        const shared = new Set([...read, ...write]).size < read.length + write.length;
        expect(canRead(next, current)).toBe(shared);
      }),
    );
  });
});
