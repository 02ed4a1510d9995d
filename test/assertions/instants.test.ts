import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dateOf,
  formatTimestamp,
  instantOf,
  oneYearAfter,
  parseInstant,
} from '../../src/assertions/instants.ts';

describe('dates and times of assertions', () => {
  it('keeps nanoseconds, and cuts what is finer', () => {
    const base = instantOf(new Date('2024-01-01T00:00:00Z'));
    expect(parseInstant('2024-01-01T00:00:00.000000001Z')).toBe(base + 1n);
    expect(parseInstant('2024-01-01T00:00:00.0000000019Z')).toBe(base + 1n);
    expect(parseInstant('2024-01-01T00:00:00,5Z')).toBe(base + 500_000_000n);
  });

  it('counts offsets', () => {
    expect(parseInstant('2024-01-01T02:00:00+02:00')).toBe(instantOf(new Date('2024-01-01T00:00:00Z')));
    expect(parseInstant('2023-12-31T22:30:00-01:30')).toBe(instantOf(new Date('2024-01-01T00:00:00Z')));
  });

  it('knows leap years', () => {
    expect(parseInstant('2024-02-29T00:00:00Z')).toBeDefined();
    expect(parseInstant('2000-02-29T00:00:00Z')).toBeDefined();
    expect(parseInstant('1900-02-29T00:00:00Z')).toBeUndefined();
    expect(parseInstant('2023-02-29T00:00:00Z')).toBeUndefined();
  });

  it.each([
    '',
    '2024-01-01',
    '2024-01-01 00:00:00Z',
    '2024-01-01t00:00:00Z',
    '2024-01-01T00:00:00z',
    '2024-01-01T00:00:00',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-32T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00+25:00',
    '2024-01-01T00:00:00+0100',
    '2024-1-01T00:00:00Z',
    ' 2024-01-01T00:00:00Z',
  ])('does not take %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('agrees with Date on every whole second that it writes', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const text = formatTimestamp(date);
          const instant = parseInstant(text);
          expect(instant).toBeDefined();
          if (instant === undefined) return;
          expect(dateOf(instant).getTime()).toBe(Math.floor(date.getTime() / 1000) * 1000);
        },
      ),
    );
  });

  it('finds the same day a year later', () => {
    const year = (from: string): string => dateOf(oneYearAfter(parseInstant(from) ?? 0n)).toISOString();
    expect(year('2023-05-06T07:08:09Z')).toBe('2024-05-06T07:08:09.000Z');
    expect(year('2024-02-29T00:00:00Z')).toBe('2025-03-01T00:00:00.000Z');
  });
});
