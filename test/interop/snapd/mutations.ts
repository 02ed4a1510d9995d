import fc from 'fast-check';
import type { HeaderValue } from '../../../src/assertions/index.ts';
import type { GeneratedDraft } from './draft-parts.ts';

/** Values that break most rules, each in its own way. */
const ODD_VALUES: readonly HeaderValue[] = [
  '',
  ' ',
  '0',
  '-1',
  '+1',
  '01',
  '1.5',
  '9223372036854775808',
  'x',
  'X',
  'with/slash',
  'two\nlines',
  '\nfirst line empty',
  'last line empty\n',
  '2024-13-01T00:00:00Z',
  '2023-02-29T00:00:00Z',
  '2024-01-01T0:00:00Z',
  '2024-01-01T00:00:60Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:00:00,5Z',
  '2024-01-01T00:00:00+24:60',
  '2024-01-01T00:00:00+25:00',
  '2024-01-01t00:00:00z',
  '2024-01-01 00:00:00Z',
  'true',
  ['a', 'b'],
  [['nested'], 'x'],
  { a: 'b' },
  { a: { b: ['c', { d: 'e\nf' }] } },
  ['multi\nline'],
  'tab\tinside',
  'ünï',
];

/** One change to the headers of a draft: a header dropped, replaced by something odd, or added. */
function changed(draft: GeneratedDraft): fc.Arbitrary<GeneratedDraft> {
  const names = Object.keys(draft.headers);
  const name = fc.constantFrom(...names, 'format', 'revision', 'zz-extra', 'body-length-x');
  return fc
    .record({ name, drop: fc.boolean(), value: fc.constantFrom(...ODD_VALUES) })
    .map(({ name: header, drop, value }) => {
      const headers = Object.fromEntries(Object.entries(draft.headers).filter(([one]) => one !== header));
      return { ...draft, headers: drop ? headers : { ...headers, [header]: value } };
    });
}

/** Half of the drafts as they are, half with one change. */
export function sometimesChanged(drafts: fc.Arbitrary<GeneratedDraft>): fc.Arbitrary<GeneratedDraft> {
  return drafts.chain((draft) => fc.oneof(fc.constant(draft), changed(draft)));
}

const SNIPPETS = [
  '\n',
  '\n\n',
  ' ',
  '    ',
  ':',
  '-',
  'A',
  '=',
  '\u00e9',
  'body-length: 3\n',
  'type: model\n',
  '"',
  '0',
  '\0',
];

/** One change to the bytes of an encoded assertion: a byte changed, a stretch dropped or doubled, a snippet put in. */
export function changedBytes(encoded: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(Math.max(encoded.length - 1, 0));
  const cut = (from: number, length: number, put: Uint8Array): Uint8Array =>
    Buffer.concat([encoded.subarray(0, from), put, encoded.subarray(from + length)]);
  return fc.oneof(
    fc.tuple(at, fc.nat(255)).map(([from, byte]) => cut(from, 1, Uint8Array.of(byte))),
    fc
      .tuple(at, fc.nat(7))
      .map(([from, bit]) => cut(from, 1, Uint8Array.of((encoded[from] ?? 0) ^ (1 << bit)))),
    fc
      .tuple(at, fc.integer({ min: 1, max: 40 }))
      .map(([from, length]) => cut(from, length, new Uint8Array())),
    fc
      .tuple(at, fc.integer({ min: 1, max: 80 }))
      .map(([from, length]) => cut(from, 0, encoded.subarray(from, from + length))),
    fc.tuple(at, fc.constantFrom(...SNIPPETS)).map(([from, snippet]) => cut(from, 0, Buffer.from(snippet))),
    at.map((length) => encoded.subarray(0, length)),
  );
}
