import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesEtag, rangeApplies, readRange } from '../../../src/api/device/range.ts';

describe('a Range header', () => {
  it.each([
    ['bytes=0-', 10, { start: 0, end: 9 }],
    ['bytes=4-', 10, { start: 4, end: 9 }],
    ['bytes=4-6', 10, { start: 4, end: 6 }],
    ['bytes=4-600', 10, { start: 4, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=6-4', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=0-1,3-4', 10, 'whole'],
    ['items=0-1', 10, 'whole'],
    ['bytes=x-y', 10, 'whole'],
    [undefined, 10, 'whole'],
    ['bytes=0-', 0, 'unsatisfiable'],
  ])('%s of %i bytes', (header, size, expected) => {
    expect(readRange(header, size)).toEqual(expected);
  });

  it('never leads outside the file', () => {
    const headers = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(), fc.option(fc.nat())).map(([a, b]) => `bytes=${a}-${b ?? ''}`),
    );
    fc.assert(
      fc.property(headers, fc.nat(1000), (header, size) => {
        const range = readRange(header, size);
        if (typeof range === 'string') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(size);
      }),
    );
  });
});

describe('conditions', () => {
  it('let a range count only while the file is the same', () => {
    expect(rangeApplies(undefined, '"a"')).toBe(true);
    expect(rangeApplies('"a"', '"a"')).toBe(true);
    expect(rangeApplies('"b"', '"a"')).toBe(false);
    expect(rangeApplies('Sat, 21 Nov 2026 08:00:00 GMT', '"a"')).toBe(false);
  });

  it('recognise a file that the client has', () => {
    expect(matchesEtag('"a"', '"a"')).toBe(true);
    expect(matchesEtag('W/"a", "b"', '"a"')).toBe(true);
    expect(matchesEtag('*', '"a"')).toBe(true);
    expect(matchesEtag('"b"', '"a"')).toBe(false);
    expect(matchesEtag(undefined, '"a"')).toBe(false);
  });
});
