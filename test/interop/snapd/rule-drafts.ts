import fc from 'fast-check';
import type { HeaderValue } from '../../../src/assertions/index.ts';
import { ACCOUNTS, headersOf, maybe, mostly, SNAP_IDS } from './draft-parts.ts';

/** Regular expressions in and out of the syntax that assertions allow. */
const EXPRESSIONS = [
  'foo.*',
  '[a-z]+',
  '(',
  'a)(b',
  'a{2,1}',
  'a{2}{3}',
  'a{,3}',
  'a{3',
  'a{01}',
  'x{1000}',
  'x{1001}',
  '(x{100}){11}',
  '(?i)x',
  '(?i:x)-y',
  '(?i-s)x',
  '(?i-)x',
  '(?z)x',
  '(?=x)',
  '(?P<n>a)',
  '(?<n>a)(?<n>b)',
  '(?P<>a)',
  '\\d+\\W',
  '[\\d-x]',
  '[z-a]',
  '[]a]',
  '[]',
  '[^]a]',
  '[[:alpha:][:^digit:]]',
  '[[:nope:]]',
  '[[:alpha',
  '\\pN\\p{Greek}\\P{Lu}\\p{^L}',
  '\\p{Nonsense}',
  '\\p',
  'a**',
  'a*?',
  'a*??',
  'a+*',
  '*a',
  'a|*',
  '^*',
  '\\bx\\B\\A\\z',
  '\\Z',
  '\\C',
  '\\1',
  '\\12',
  '\\x41\\x{1F600}',
  '\\x{110000}',
  '\\x4',
  '\\Qa.b\\E+',
  '\\Q(',
  '\\_\\-\\/',
  '\\é',
  '\\',
  '[\\b]',
  '{}',
  ']',
  '',
  '日本.',
];

const DOLLARS = [
  '$MISSING',
  '$SLOT(a)',
  '$PLUG(b.c)',
  '$SLOT_COMPAT(x)',
  '$PLUG_PUBLISHER_ID',
  '$OTHER',
  '$SLOT(a,b)',
  '$SLOT()',
];
const SUBRULES = [
  'allow-installation',
  'deny-installation',
  'allow-connection',
  'deny-connection',
  'allow-auto-connection',
  'deny-auto-connection',
];

const expression = fc.constantFrom(...EXPRESSIONS);
const plainExpression = fc.constantFrom('foo.*', '[a-z]+', '\\d+', 'true|false');

const attributeValue: fc.Arbitrary<HeaderValue> = fc.letrec<{ value: HeaderValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { arbitrary: plainExpression, weight: 6 },
    { arbitrary: expression, weight: 1 },
    { arbitrary: mostly(DOLLARS.slice(0, 5), DOLLARS.slice(5)), weight: 3 },
    { arbitrary: fc.array(tie('value'), { minLength: 1, maxLength: 3 }), weight: 2 },
    {
      arbitrary: fc.dictionary(fc.constantFrom('a', 'b-c', 'name'), tie('value'), { minKeys: 1, maxKeys: 2 }),
      weight: 2,
    },
  ),
})).value;

const attributes: fc.Arbitrary<HeaderValue> = fc.oneof(
  {
    arbitrary: fc.dictionary(fc.constantFrom('a', 'read', 'content'), attributeValue, {
      minKeys: 1,
      maxKeys: 2,
    }),
    weight: 5,
  },
  { arbitrary: attributeValue, weight: 1 },
);

function listOf(good: readonly string[], bad: readonly string[] = good): fc.Arbitrary<HeaderValue> {
  return fc.array(mostly(good, bad), { minLength: 1, maxLength: 3 });
}

const CONSTRAINTS: { readonly [field: string]: fc.Arbitrary<HeaderValue> } = {
  'plug-names': listOf(['$INTERFACE', 'net.*'], ['$lower', 'a b', '(']),
  'slot-names': listOf(['$INTERFACE', '$X9_', 'x']),
  'plug-attributes': attributes,
  'slot-attributes': attributes,
  'plug-snap-type': listOf(['app', 'core', 'kernel', 'gadget'], ['base']),
  'slot-snap-type': listOf(['app', 'core']),
  'plug-snap-id': listOf(SNAP_IDS),
  'slot-snap-id': listOf(SNAP_IDS, ['short']),
  'plug-publisher-id': listOf([...ACCOUNTS, '$SLOT_PUBLISHER_ID']),
  'slot-publisher-id': listOf(ACCOUNTS, ['$slot']),
  'slots-per-plug': mostly(['*', '1', '7'], ['0', 'many', '01', '+2']),
  'plugs-per-slot': fc.constantFrom('*', '2'),
  'on-classic': fc.oneof(
    mostly<HeaderValue>(['true', 'false'], ['yes']),
    listOf(['ubuntu', 'debian', 'ubuntu/core', 'ubuntu/*', 'ubuntu/'], ['a/b/c', 'UB']),
  ),
  'on-core-desktop': mostly(['true', 'false'], ['no']),
  'on-store': listOf(['my-brand-store', 'other_Store'], ['bad store']),
  'on-brand': listOf(ACCOUNTS),
  'on-model': listOf(['my-brand/model-a', 'acme/pi'], ['no-slash']),
  unheard: fc.constant('of'),
};

const constraintMap = fc
  .uniqueArray(fc.constantFrom(...Object.keys(CONSTRAINTS)), { minLength: 1, maxLength: 3 })
  .chain((fields) =>
    headersOf(Object.fromEntries(fields.map((field) => [field, CONSTRAINTS[field] ?? fc.constant('x')]))),
  );

const subrule: fc.Arbitrary<HeaderValue> = fc.oneof(
  { arbitrary: mostly(['true', 'false'], ['perhaps']), weight: 2 },
  { arbitrary: constraintMap, weight: 14 },
  { arbitrary: fc.array(constraintMap, { minLength: 1, maxLength: 2 }), weight: 4 },
  { arbitrary: fc.constantFrom<HeaderValue>(['true'], [['x']]), weight: 1 },
);

const rule: fc.Arbitrary<HeaderValue> = fc.oneof(
  { arbitrary: mostly(['true', 'false'], ['maybe']), weight: 2 },
  {
    arbitrary: fc.dictionary(fc.constantFrom(...SUBRULES, 'allow-nothing'), subrule, {
      minKeys: 1,
      maxKeys: 2,
    }),
    weight: 8,
  },
);

/** Rules of a declaration under "plugs" or "slots"; most hold, some do not. */
export const interfaceRules: fc.Arbitrary<HeaderValue | undefined> = maybe(
  fc.dictionary(fc.constantFrom('network', 'snapd-control', 'content'), rule, { minKeys: 1, maxKeys: 2 }),
);

/** Constraints of an account-key. */
export const keyConstraints: fc.Arbitrary<HeaderValue | undefined> = maybe(
  fc.array(
    fc.oneof(
      {
        arbitrary: headersOf({
          headers: headersOf({ type: fc.constantFrom('serial', 'model', 'ser.*'), model: expression }),
        }),
        weight: 4,
      },
      {
        arbitrary: fc.constantFrom<HeaderValue>(
          'x',
          { headers: 'x' },
          { headers: { model: 'm' } },
          { other: 'y' },
        ),
        weight: 1,
      },
    ),
    { minLength: 1, maxLength: 2 },
  ),
);
