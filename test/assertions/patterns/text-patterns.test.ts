import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/assertions/errors.ts';
import { compileTextPattern } from '../../../src/assertions/text-patterns.ts';

describe('regular expressions of constraints', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['model-a', ['model-a'], ['model-b', 'xmodel-a', 'model-ax', '']],
    ['', [''], ['x']],
    ['a|bc', ['a', 'bc'], ['abc', 'ac']],
    ['a*b+c?', ['b', 'aabbc'], ['aac', '']],
    ['(?:ab){2,3}', ['abab', 'ababab'], ['ab', 'abababab']],
    ['a{2}', ['aa'], ['a', 'aaa']],
    ['a{2,}', ['aa', 'aaaaa'], ['a']],
    ['a{,2}', ['a{,2}'], ['aa']],
    ['{', ['{'], ['']],
    ['.', ['x', 'ü', '😀'], ['\n', '']],
    ['(?s).', ['\n'], []],
    ['[a-c_-]+', ['abc-_'], ['d']],
    ['[^a-c]', ['d', '\n'], ['a']],
    ['[]x]', [']', 'x'], ['[']],
    ['[[:alpha:]]+', ['aZ'], ['a1']],
    ['[[:^digit:]]', ['a'], ['1']],
    ['\\d\\D\\s\\S\\w\\W', ['1a b_-'], ['aa b_-']],
    ['[\\d.]+', ['1.2'], ['a']],
    ['\\pL+', ['äé日'], ['a1']],
    ['\\p{Greek}', ['λ'], ['l']],
    ['\\P{Greek}', ['l'], ['λ']],
    ['\\x41\\x{1F600}\\101\\012', ['A😀A\n'], ['A']],
    ['\\Qa.b\\E+', ['a.b', 'a.bb'], ['axb']],
    ['\\.\\-\\/', ['.-/'], ['x-/']],
    ['(?i)ABC-ß', ['abc-ß', 'aBC-ß'], ['abd-ß']],
    ['(?i:a)b', ['Ab', 'ab'], ['aB']],
    ['(?i)[a-c](?-i)d', ['Bd'], ['BD']],
    ['\\bfoo\\b', ['foo'], ['foox']],
    ['(?m)a$\nb', ['a\nb'], ['ab']],
    ['a)(b', ['ab'], ['a']],
    ['(?P<name>a)(?<more>b)', ['ab'], ['a']],
    ['(a*)*', ['', 'aaa'], ['b']],
  ])('%j', (source, fitting, others) => {
    const pattern = compileTextPattern(source);
    expect(fitting.filter((text) => !pattern.matches(text))).toEqual([]);
    expect(others.filter((text) => pattern.matches(text))).toEqual([]);
  });

  it.each([
    '(',
    ')',
    '(?:',
    '[',
    '[]',
    '[z-a]',
    '[[:nope:]]',
    'a**',
    '*',
    '|*',
    'a{1001}',
    'a{2,1}',
    '(a{100}){11}',
    '\\',
    '\\1',
    '\\Z',
    '\\C',
    '\\q',
    '\\x4',
    '\\x{110000}',
    '\\p{Nonsense}',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?z)',
    '(?i-)',
    '(?P<>a)',
    '(?P<a b>c)',
  ])('refuses %j', (source) => {
    expect(() => compileTextPattern(source)).toThrow(AssertionError);
  });

  it('refuses what would grow without bounds', () => {
    expect(() => compileTextPattern('a'.repeat(10_000))).toThrow(/too long/);
    expect(() => compileTextPattern('(a{1000})'.repeat(30))).toThrow(/too large/);
    expect(() => compileTextPattern(`${'('.repeat(3000)}a${')'.repeat(3000)}`)).toThrow(/nested/);
  });

  it('agrees with expressions of JavaScript where both mean the same', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '(?:a|b)',
      '(?:ab)',
      'a*',
      'b+',
      'a?',
      '(?:a|b)*',
      'a{1,2}',
      '|',
    );
    fc.assert(
      fc.property(
        fc.array(atom, { maxLength: 6 }).map((atoms) => atoms.join('')),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 }),
        (source, text) => {
          expect(compileTextPattern(source).matches(text)).toBe(
            new RegExp(`^(?:${source})$`, 'u').test(text),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never backtracks: hostile expressions answer over long texts', () => {
    const text = `${'a'.repeat(20_000)}!`;
    for (const source of ['(a+)+', '(a|a)*', '(a|aa)+b', '(.*)*x']) {
      expect(compileTextPattern(source).matches(text)).toBe(false);
    }
  });
});
