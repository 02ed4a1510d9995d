import { describe, expect, it } from 'vitest';
import { revisionAuthorities, suggestFormat, type HeaderValue } from '../../../src/assertions/index.ts';
import { draftsOf, TIMESTAMP } from '../draft-text.ts';

const declaration = draftsOf('snap-declaration', {
  'authority-id': 'root',
  series: '16',
  'snap-id': 'a'.repeat(32),
  'snap-name': 'my-app',
  'publisher-id': 'acme',
  timestamp: TIMESTAMP,
});

/** A declaration with one constraint in one subrule of a plug. */
function plug(subrule: string, constraints: HeaderValue): () => unknown {
  return () => declaration({ plugs: { content: { [subrule]: constraints } } });
}

describe('a snap-declaration', () => {
  it('may have an empty name, which takes the snap away', () => {
    expect(declaration({ 'snap-name': '' }).primaryKey).toEqual(['16', 'a'.repeat(32)]);
    expect(() => declaration({ 'snap-name': undefined })).toThrow(/"snap-name" header is missing/);
  });

  it('has aliases by distinct names', () => {
    const aliases = (...pairs: readonly [string, string][]): unknown =>
      declaration({ aliases: pairs.map(([name, target]) => ({ name, target })) });
    expect(() => aliases(['cmd.one', 'app'], ['cmd_two', 'app'])).not.toThrow();
    expect(() => aliases(['cmd', 'app'], ['cmd', 'other'])).toThrow(/alias "cmd" appears twice/);
    expect(() => aliases(['.cmd', 'app'])).toThrow(/"name" of an alias/);
    expect(() => aliases(['cmd', 'app.x'])).toThrow(/"target" of alias/);
    expect(() => declaration({ aliases: 'x' })).toThrow(/must be a list/);
    expect(() => declaration({ 'auto-aliases': ['-x'] })).toThrow(/"auto-aliases"/);
  });

  it('names who else may sign revisions', () => {
    const entry = {
      'account-id': 'acme',
      provenance: ['own'],
      'min-revision': '2',
      'on-store': ['my-store'],
    };
    const { headers } = declaration({ 'revision-authority': [entry, { ...entry, 'max-revision': '5' }] });
    expect(revisionAuthorities({ values: headers, where: 'header' })).toEqual([
      { accountId: 'acme', provenance: ['own'], minRevision: 2, maxRevision: undefined },
      { accountId: 'acme', provenance: ['own'], minRevision: 2, maxRevision: 5 },
    ]);
    const refused: readonly [{ [name: string]: HeaderValue }, RegExp][] = [
      [{ provenance: [] }, /"provenance" of a revision authority is missing/],
      [{ provenance: ['no good'] }, /not allowed/],
      [{ 'account-id': 'No Id' }, /"account-id" of a revision authority/],
      [{ 'max-revision': '1' }, /below its "min-revision"/],
      [{ 'min-revision': '0' }, /must be 1 or more/],
      [{ 'on-store': ['no good'] }, /"on-store"/],
    ];
    for (const [changes, words] of refused) {
      expect(() => declaration({ 'revision-authority': [{ ...entry, ...changes }] })).toThrow(words);
    }
  });
});

describe('the rules of a declaration', () => {
  it.each<[number, HeaderValue]>([
    [1, 'true'],
    [1, { 'allow-installation': 'false' }],
    [1, { 'allow-auto-connection': { 'slot-publisher-id': ['acme', '$PLUG_PUBLISHER_ID'] } }],
    [1, { 'allow-connection': { 'slots-per-plug': '*' } }],
    [1, { 'allow-connection': { 'on-classic': ['ubuntu'] } }],
    [1, { 'allow-connection': { 'on-core-desktop': 'true' } }],
    [1, { 'allow-connection': { 'plug-attributes': { content: 'a.*' } } }],
    [2, { 'allow-connection': { 'plug-attributes': { content: '$SLOT(content)' } } }],
    [2, { 'deny-connection': { 'slot-attributes': { content: '$MISSING' } } }],
    [3, { 'allow-installation': { 'on-store': ['my-store'] } }],
    [3, { 'allow-installation': [{ 'plug-snap-type': ['app'] }, { 'on-model': ['acme/pi'] }] }],
    [3, { 'deny-auto-connection': { 'on-brand': ['acme'] } }],
    [4, { 'allow-installation': { 'plug-names': ['$INTERFACE', 'net-.*'] } }],
    [5, { 'allow-connection': { 'plug-attributes': { content: ['a', 'b'] } } }],
    [6, { 'allow-connection': { 'slot-attributes': { owner: '$PLUG_PUBLISHER_ID' } } }],
    [7, { 'allow-connection': { 'on-classic': ['ubuntu/core'] } }],
    [7, { 'allow-connection': { 'on-classic': ['ubuntu/'], 'on-store': ['s'] } }],
  ])('need format %i: %j', (format, rule) => {
    expect(() => declaration({ plugs: { content: rule } })).not.toThrow();
    expect(suggestFormat('snap-declaration', { plugs: { content: rule } })).toBe(format);
    expect(suggestFormat('snap-declaration', { slots: { other: 'true' }, plugs: { content: rule } })).toBe(
      format,
    );
  });

  it('need the format of the most demanding one', () => {
    const plugs = { a: { 'allow-installation': { 'on-store': ['s'] } }, b: 'true' };
    const slots = { c: { 'allow-installation': { 'slot-names': ['x'] } } };
    expect(suggestFormat('snap-declaration', { plugs, slots })).toBe(4);
    expect(suggestFormat('snap-declaration', {})).toBe(0);
  });

  it.each<[string, HeaderValue, RegExp]>([
    ['no subrule', { other: 'true' }, /has none of allow-installation/],
    ['another shortcut', 'yes', /must be a map, "true" or "false"/],
    ['a list', ['true'], /must be a map, "true" or "false"/],
  ])('are refused when a rule is %s', (_, rule, words) => {
    expect(() => declaration({ plugs: { content: rule } })).toThrow(words);
    expect(() => declaration({ slots: { content: rule } })).toThrow(words);
  });

  it.each<[string, string, HeaderValue, RegExp]>([
    ['a shortcut among alternatives', 'allow-connection', ['true'], /must be a map/],
    ['no constraint', 'allow-connection', { other: 'x' }, /has no constraint/],
    ['a bad snap type', 'allow-installation', { 'plug-snap-type': ['base'] }, /"plug-snap-type"/],
    ['a bad snap id', 'allow-connection', { 'slot-snap-id': ['short'] }, /"slot-snap-id"/],
    ['a bad publisher', 'allow-connection', { 'slot-publisher-id': ['$lower'] }, /"slot-publisher-id"/],
    ['a bad store', 'allow-connection', { 'on-store': ['a b'] }, /"on-store"/],
    ['a model without a brand', 'allow-connection', { 'on-model': ['pi'] }, /"on-model"/],
    ['a store that is no list', 'allow-connection', { 'on-store': 'my-store' }, /must be a list/],
    ['an arity where it has no place', 'allow-installation', { 'slots-per-plug': '*' }, /has a place in/],
    ['an arity in a deny rule', 'deny-connection', { 'slots-per-plug': '*' }, /has a place in/],
    ['an arity of zero', 'allow-connection', { 'slots-per-plug': '0' }, /"\*" or a whole number/],
    ['an arity that is a list', 'allow-connection', { 'slots-per-plug': ['1'] }, /"\*" or a whole number/],
    ['names that are no list', 'allow-connection', { 'plug-names': 'x' }, /must be a list/],
    ['a name with a space', 'allow-connection', { 'plug-names': ['a b'] }, /with spaces/],
    ['an unknown name value', 'allow-connection', { 'plug-names': ['$x'] }, /unknown value/],
    ['attributes that are a text', 'allow-connection', { 'plug-attributes': 'x' }, /must be a map of names/],
    [
      'a broken expression',
      'allow-connection',
      { 'plug-attributes': { a: '(' } },
      /not a regular expression/,
    ],
    ['an unknown system', 'allow-connection', { 'on-classic': ['Ubuntu'] }, /no operating system id/],
    ['a system with two variants', 'allow-connection', { 'on-classic': ['a/b/c'] }, /no operating system id/],
    ['another word for classic', 'allow-connection', { 'on-classic': 'yes' }, /"on-classic"/],
    ['another word for core desktop', 'allow-connection', { 'on-core-desktop': 'yes' }, /"on-core-desktop"/],
  ])('are refused when a subrule has %s', (_, subrule, constraints, words) => {
    expect(plug(subrule, constraints)).toThrow(words);
  });

  it('may be those of the base declaration, too', () => {
    const base = draftsOf('base-declaration', {
      'authority-id': 'canonical',
      series: '16',
      timestamp: TIMESTAMP,
    });
    expect(base({ slots: { network: { 'allow-installation': { 'slot-snap-type': ['core'] } } } }).type).toBe(
      'base-declaration',
    );
    expect(() => base({ slots: { network: 'maybe' } })).toThrow(/slot rule/);
  });
});
