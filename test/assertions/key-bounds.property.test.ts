/** Whatever is said to lie within other bounds allows nothing that those do not: tried with all assertions of a small world. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundHeaders,
  constraintsAllow,
  isWithinBounds,
  keyStanding,
  type HeaderMap,
  type HeaderValue,
  type KeyBounds,
} from '../../src/assertions/index.ts';
import { isMap } from '../../src/assertions/header-values.ts';

/** Patterns that differ in little: a text may stand for itself, for more or for less. */
const PATTERNS = [
  'a',
  'ab',
  'a.',
  'a\\.',
  '.*',
  'a.*',
  'ab.*',
  'a|b',
  '(a|b.*)',
  '(a|b)b',
  'a(A|.*|b)',
  '[A|.*|b]',
  '[ab]b?',
  'A',
  '$MISSING',
];
/** All that the headers of that world may be. */
const MODELS: readonly (HeaderValue | undefined)[] = [
  undefined,
  ...['', 'a', 'b', 'ab', 'a.', 'A'],
  ...[[], ['a', 'a'], ['a', 'b'], [['a'], 'a'], [{ x: 'a' }]],
  ...[{ x: 'a' }, { x: 'b' }, {}],
];
const SERIALS = [undefined, 'a', 'b'];
const NAMES = ['model', 'serial'];
const TYPES = ['serial', 'model'];

const text = fc.constantFrom(...PATTERNS);
const pattern: fc.Arbitrary<HeaderValue> = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 2, arbitrary: fc.array(text, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.record({ x: text }) },
);
const constraint: fc.Arbitrary<HeaderMap> = fc
  .record(
    { type: fc.constantFrom(...TYPES), model: pattern, serial: text },
    { requiredKeys: ['type'], noNullPrototype: true },
  )
  .map((headers) => ({ headers }));
const constraints = fc.array(constraint, { minLength: 1, maxLength: 3 });

/** Alternatives made of those of others: some are left out, some have a header more, or another pattern. */
function narrowed(outer: readonly HeaderMap[]): fc.Arbitrary<HeaderMap[]> {
  const one = fc
    .tuple(fc.constantFrom(...outer), constraint, fc.subarray(NAMES))
    .map(([of, other, names]): HeaderMap => {
      const changed = Object.entries(headersOf(other)).filter(([name]) => names.includes(name));
      return { headers: { ...headersOf(of), ...Object.fromEntries(changed) } };
    });
  return fc.array(one, { minLength: 1, maxLength: 3 });
}

/** Two constraints, of which one often lies within the other. */
const pairs = constraints.chain((outer) =>
  fc
    .oneof({ weight: 4, arbitrary: narrowed(outer) }, { weight: 1, arbitrary: constraints })
    .map((inner) => ({ inner, outer })),
);

function headersOf({ headers }: HeaderMap): HeaderMap {
  if (!isMap(headers)) throw new TypeError('a constraint has headers');
  return headers;
}

/** Every assertion of that world. */
const ASSERTIONS: readonly HeaderMap[] = TYPES.flatMap((type) =>
  MODELS.flatMap((model) =>
    SERIALS.map((serial) => ({
      type,
      ...(model !== undefined && { model }),
      ...(serial !== undefined && { serial }),
    })),
  ),
);

function allows(bounds: KeyBounds, assertion: HeaderMap): boolean {
  return constraintsAllow({ headers: boundHeaders(bounds) }, assertion);
}

describe('constraints that lie within others', () => {
  it('allow no assertion that the others do not', () => {
    let within = 0;
    fc.assert(
      fc.property(pairs, ({ inner, outer }) => {
        if (!isWithinBounds({ constraints: inner }, { constraints: outer })) return;
        within += 1;
        const beyond = ASSERTIONS.filter(
          (assertion) =>
            allows({ constraints: inner }, assertion) && !allows({ constraints: outer }, assertion),
        );
        expect(beyond).toEqual([]);
      }),
      { seed: 20261126, numRuns: 3000 },
    );
    // Else nothing was shown.
    expect(within).toBeGreaterThan(500);
  });

  it('are never no constraints, which allow everything', () => {
    fc.assert(
      fc.property(constraints, (outer) => {
        expect(isWithinBounds({}, { constraints: outer })).toBe(false);
        expect(isWithinBounds({ constraints: [] }, { constraints: outer })).toBe(false);
      }),
    );
  });
});

describe('an end that lies within another', () => {
  const SINCE = '2026-01-01T00:00:00Z';
  const ends = fc.option(
    fc
      .record({
        minute: fc.nat({ max: 59 }),
        fraction: fc.constantFrom('', '.5', ',25'),
        zone: fc.constantFrom('Z', '+01:00', '-00:30'),
      })
      .map(
        ({ minute, fraction, zone }) =>
          `2026-01-02T00:${String(minute).padStart(2, '0')}:00${fraction}${zone}`,
      ),
    { nil: undefined, freq: 5 },
  );
  const isInForce = ({ until }: KeyBounds, at: Date) =>
    keyStanding({ headers: { since: SINCE, ...(until !== undefined && { until }) } }, at) === 'valid';

  it('is none at which the other key has ended', () => {
    fc.assert(
      fc.property(ends, ends, fc.nat({ max: 3 * 3600 * 4 }), (inner, outer, quarters) => {
        if (!isWithinBounds({ until: inner }, { until: outer })) return;
        const at = new Date(Date.parse('2026-01-01T22:00:00Z') + quarters * 250);
        expect(isInForce({ until: inner }, at) && !isInForce({ until: outer }, at)).toBe(false);
      }),
      { seed: 20261126, numRuns: 3000 },
    );
  });
});
