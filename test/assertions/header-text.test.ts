import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../src/assertions/errors.ts';
import { parseHeaders } from '../../src/assertions/header-parser.ts';
import { isList, type HeaderValue } from '../../src/assertions/header-values.ts';
import { writeHeader } from '../../src/assertions/header-writer.ts';

function parsed(...lines: readonly string[]): unknown {
  return parseHeaders(lines.join('\n'));
}

describe('the text of headers', () => {
  it('holds plain texts, kept to the last space', () => {
    expect(parsed('type: model', 'empty: ', 'spaced:   x ', 'colons: a: b')).toEqual({
      type: 'model',
      empty: '',
      spaced: '  x ',
      colons: 'a: b',
    });
  });

  it('holds texts of several lines, indented by four', () => {
    expect(parsed('key:', '    first', '      deeper', '    ', '    last', 'next: x')).toEqual({
      key: 'first\n  deeper\n\nlast',
      next: 'x',
    });
  });

  it('holds lists, nested and with texts of several lines', () => {
    expect(
      parsed('list:', '  - one', '  -', '      two', '      lines', '  -', '    - inner', 'next: x'),
    ).toEqual({
      list: ['one', 'two\nlines', ['inner']],
      next: 'x',
    });
  });

  it('holds maps, nested in lists and in maps', () => {
    expect(
      parsed(
        'snaps:',
        '  -',
        '    name: a',
        '    modes:',
        '      - run',
        '  -',
        '    name: b',
        'plugs:',
        '  x:',
        '    y: z',
      ),
    ).toEqual({ snaps: [{ name: 'a', modes: ['run'] }, { name: 'b' }], plugs: { x: { y: 'z' } } });
  });

  it('is not confused by names that objects have of their own', () => {
    const headers = parseHeaders('constructor: a\nvalue:\n  constructor: b');
    expect(headers['constructor']).toBe('a');
    expect(Object.getPrototypeOf(headers)).toBeNull();
  });

  it.each([
    ['no colon', 'type'],
    ['an empty line', 'type: x\n\nmore: y'],
    ['a capital in a name', 'Type: x'],
    ['an underscore in a name', 'my_type: x'],
    ['a name that ends in a dash', 'type-: x'],
    ['no space after the colon', 'type:x'],
    ['a name twice', 'type: a\ntype: b'],
    ['a map entry twice', 'map:\n  a: 1\n  a: 2'],
    ['nothing after an intro', 'type:\nnext: x'],
    ['nothing after an intro at the end', 'type:'],
    ['too little indent', 'type:\n   x'],
    ['a list item without a space', 'list:\n  -x'],
    ['a map entry without a colon', 'map:\n  a'],
    ['a bad name in a map', 'map:\n  A: x'],
    ['text after a list', 'list:\n  - a\n    b'],
  ])('refuses %s', (_, text) => {
    expect(() => parseHeaders(text)).toThrow(AssertionError);
    expect(() => parseHeaders(text)).toThrow(/^cannot read the assertion: /);
  });

  it('leaves empty lists and maps out, and sorts maps by their bytes', () => {
    expect(writeHeader('a', [])).toBe('');
    expect(writeHeader('a', {})).toBe('');
    expect(writeHeader('a', { 'b-1': 'x', b: 'y', 'b-0': 'z' })).toBe('\na:\n  b: y\n  b-0: z\n  b-1: x');
  });

  it('reads back whatever it writes', () => {
    const name = fc.stringMatching(/^[a-z](?:-?[a-z0-9]){0,6}$/);
    const value = fc.letrec<{ value: HeaderValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: fc.constantFrom('a', ' ', '\n', ':', '-', 'ü', '\t', '"') }),
        fc.array(tie('value'), { minLength: 1, maxLength: 3 }),
        fc.dictionary(name, tie('value'), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(name, value, { minKeys: 1, noNullPrototype: true }), (headers) => {
        const text = Object.entries(headers)
          .map(([header, one]) => writeHeader(header, one))
          .join('')
          .slice(1);
        expect(structuredClone(plain(parseHeaders(text)))).toEqual(plain(headers));
      }),
      { numRuns: 500 },
    );
  });
});

/** The same values in ordinary objects, for comparison. */
function plain(value: HeaderValue): HeaderValue {
  if (typeof value === 'string') return value;
  if (isList(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
