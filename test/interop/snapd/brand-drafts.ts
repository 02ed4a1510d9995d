import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import type { HeaderValue } from '../../../src/assertions/index.ts';
import {
  mostly,
  seldom,
  SNAP_IDS,
  accountId,
  body,
  digest,
  headersOf,
  maybe,
  revision,
  snapId,
  snapName,
  timestamp,
  type DraftHeaders,
  type GeneratedDraft,
} from './draft-parts.ts';

const BRAND = 'my-brand';

function drafts(
  type: string,
  headers: fc.Arbitrary<DraftHeaders>,
  draftBody: fc.Arbitrary<string | undefined> = fc.constant(undefined),
): fc.Arbitrary<GeneratedDraft> {
  return fc.record({ headers, body: draftBody }).map(({ headers: made, body: text }) => ({
    type,
    headers: made,
    ...(text !== undefined && { body: text }),
  }));
}

const base = { 'authority-id': fc.constant(BRAND), revision, timestamp };
const model = {
  ...base,
  series: fc.constant('16'),
  'brand-id': fc.constant(BRAND),
  model: mostly(['model-a', 'pi-4'], ['M']),
};
const authorities = seldom(mostly<HeaderValue>([['acme'], [BRAND, 'acme']], ['*', ['Bad Id']]));
const validationSets = maybe(
  fc.constantFrom<HeaderValue>(
    [{ name: 'base', mode: 'enforce' }],
    [{ name: 'base', mode: 'prefer-enforce', sequence: '3', 'account-id': 'acme' }],
    [
      { name: 'base', mode: 'enforce' },
      { name: 'base', mode: 'enforce', 'account-id': BRAND },
    ],
    [{ name: 'base' }],
    [{ name: 'base', mode: 'enforce', sequence: '0' }],
  ),
);
const storeHeader = maybe(fc.constantFrom('my-brand-store', ''));

const plainModel = headersOf({
  ...model,
  classic: seldom(fc.constantFrom('true', 'false')),
  architecture: fc.constant('amd64'),
  gadget: mostly(['pc', 'pc=18'], ['pc=stable', 'pc=a/b']),
  kernel: fc.constantFrom('pc-kernel', 'pc-kernel=18'),
  base: maybe(mostly(['core18'], ['not valid'])),
  store: storeHeader,
  'required-snaps': maybe(mostly([['foo', 'bar']], [['-bad']])),
  'serial-authority': authorities,
  'system-user-authority': authorities,
  'preseed-authority': authorities,
  distribution: seldom(fc.constant('ubuntu')),
  grade: fc.option(fc.constant('signed'), { nil: undefined, freq: 8 }),
});

/** A snap id of its own for each snap, so that they rarely clash with the essential ones. */
const snapIdOfOther = mostly<string | undefined>(['a'.repeat(32), 'b'.repeat(32)], [undefined, ...SNAP_IDS]);

const modelSnap = headersOf({
  name: snapName,
  id: snapIdOfOther,
  type: maybe(mostly(['app', 'base', 'core'], ['bogus', 'snapd'])),
  'default-channel': maybe(
    mostly(['latest/stable', '22/edge/branch', '22'], ['stable', 'a/b', '/stable', 'edge/b']),
  ),
  presence: maybe(mostly(['required', 'optional'], ['invalid'])),
  modes: maybe(mostly([['run'], ['run', 'recover']], [['X']])),
  classic: fc.option(fc.constantFrom('true', 'false'), { nil: undefined, freq: 5 }),
  components: fc.option(
    fc.constantFrom<HeaderValue>(
      { comp: 'required' },
      { comp: { presence: 'optional', modes: ['run'] } },
      { comp: { presence: 'optional', modes: ['recover'] } },
      { comp: { presence: 'optional', more: 'x' } },
      { 'comp-2': 'invalid' },
    ),
    { nil: undefined, freq: 4 },
  ),
});

const essential: readonly HeaderValue[] = [
  { name: 'pc-kernel', id: '99T7MUlRhtI3U0QFgl5mXXESAiSwt776', type: 'kernel', 'default-channel': '22' },
  { name: 'pc', id: 'buPKUD3TKqCOgLEjjHx5kSiCpIs5cMuQ', type: 'gadget', 'default-channel': '22/stable' },
];

const extendedModel = headersOf({
  ...model,
  architecture: fc.constant('amd64'),
  base: mostly(['core22', 'core24'], ['my-base']),
  grade: maybe(mostly(['signed', 'secured', 'dangerous'], ['bogus'])),
  'storage-safety': maybe(mostly(['encrypted', 'encrypted', 'prefer-encrypted'], ['bogus'])),
  classic: fc.option(fc.constant('true'), { nil: undefined, freq: 4 }),
  distribution: fc.option(fc.constant('ubuntu'), { nil: undefined, freq: 4 }),
  store: storeHeader,
  'display-name': maybe(fc.constant('My Model')),
  snaps: fc.uniqueArray(modelSnap, { maxLength: 2, selector: ({ name }) => name }).chain((more) =>
    mostly<HeaderValue>(
      [
        [...essential, ...more],
        [...more, ...essential],
      ],
      [[...essential.slice(1), ...more]],
    ),
  ),
  'validation-sets': validationSets,
});

const validationSetSnap = headersOf({
  name: snapName,
  id: snapId,
  presence: maybe(mostly(['required', 'optional'], ['invalid', 'bogus'])),
  revision: maybe(mostly(['7'], ['0', 'x'])),
  components: seldom(
    fc.constantFrom<HeaderValue>(
      { comp: 'required' },
      { comp: { presence: 'invalid' } },
      { comp: { presence: 'required', revision: '4' } },
      { comp: { revision: '4' } },
      'x',
    ),
  ),
});

const hardwareKeys = [
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
].map(({ publicKey }) =>
  publicKey.export({ format: 'pem', type: 'spki' }).toString().split('\n').slice(1, -2).join('\n'),
);

/** Drafts of the types that brands and operators sign; most are valid, some are not. */
export const brandDrafts: { readonly [type: string]: fc.Arbitrary<GeneratedDraft> } = {
  model: fc.oneof(drafts('model', plainModel), drafts('model', extendedModel, body)),
  'validation-set': drafts(
    'validation-set',
    headersOf({
      ...base,
      series: fc.constant('16'),
      'account-id': mostly([BRAND], ['acme']),
      name: mostly(['base-set', 'a'], ['Bad']),
      sequence: mostly(['1', '20'], ['0', '-1', '01']),
      snaps: fc.array(validationSetSnap, { minLength: 1, maxLength: 2 }),
    }),
  ),
  preseed: drafts(
    'preseed',
    headersOf({
      ...model,
      'system-label': mostly(['20240101'], ['a--b']),
      'artifact-sha3-384': digest,
      snaps: fc.array(
        headersOf({
          name: snapName,
          id: snapId,
          revision: mostly<string | undefined>(['3', '77'], [undefined, 'x']),
          components: seldom(
            fc.constantFrom<HeaderValue>([{ name: 'comp', revision: '3' }], [{ name: 'comp' }], 'x'),
          ),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    }),
  ),
  'system-user': drafts(
    'system-user',
    headersOf({
      'authority-id': accountId,
      revision,
      'brand-id': accountId,
      email: mostly(['foo@example.com', 'Foo <foo@example.com>', '"q r"@x.org'], ['no-at', '@x', 'a@b@c']),
      series: maybe(fc.constant(['16'])),
      models: maybe(fc.constantFrom(['frobinator'], ['a', 'b'])),
      serials: fc.option(fc.constant(['SN-1']), { nil: undefined, freq: 4 }),
      name: maybe(fc.constant('Nice Guy')),
      username: mostly(['guy', 'g.u-y_'], ['Guy']),
      password: maybe(
        mostly(
          ['$6$salt$hash', '$6$rounds=5000$salt$hash'],
          ['$5$salt$hash', '$6$rounds=1$s$h', 'plain', '$6$s!$h', '', '$+7$a$b', '$6$rounds=+5000$a$b'],
        ),
      ),
      'force-password-change': fc.option(fc.constant('true'), { nil: undefined, freq: 4 }),
      'ssh-keys': maybe(fc.constant(['ssh-rsa AAAA'])),
      since: fc.constantFrom('2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'),
      until: mostly(
        ['2024-06-01T00:00:00Z', '2025-03-01T00:00:00Z'],
        ['2025-03-01T00:00:01Z', '2023-01-01T00:00:00Z'],
      ),
      'user-presence': fc.option(fc.constantFrom('until-expiration', 'forever'), { nil: undefined, freq: 4 }),
    }),
  ),
  repair: drafts(
    'repair',
    headersOf({
      ...base,
      'brand-id': fc.constant(BRAND),
      'repair-id': fc.constantFrom('1', '42', '0'),
      summary: fc.constantFrom('Fix it', 'two\nlines'),
      series: maybe(fc.constant(['16'])),
      models: maybe(fc.constant(['acme/frob'])),
      architectures: maybe(fc.constant(['amd64'])),
      modes: maybe(fc.constantFrom(['run'], ['recover', 'bogus'])),
      bases: maybe(fc.constantFrom(['core20'], ['core18'], ['B'])),
      disabled: maybe(fc.constantFrom('true', 'no')),
    }),
    fc.constant('#!/bin/sh\nexit 0\n'),
  ),
  'base-declaration': drafts('base-declaration', headersOf({ ...base, series: fc.constant('16') })),
  'hardware-identity': fc.constantFrom(...hardwareKeys).chain((key) =>
    drafts(
      'hardware-identity',
      headersOf({
        'authority-id': fc.constant(BRAND),
        'issuer-id': fc.constantFrom(BRAND, BRAND, 'acme'),
        manufacturer: fc.constant('Some Inc'),
        'hardware-name': fc.constantFrom('board-1', 'bad name'),
        'hardware-id': fc.constant('id-1'),
        'hardware-id-key': fc.constantFrom(key, key, `${key.slice(0, 40)}!`),
        'hardware-id-key-sha3-384': fc.constant(createHash('sha3-384').update(key).digest('base64url')),
      }),
    ),
  ),
  cluster: drafts(
    'cluster',
    headersOf({
      'authority-id': accountId,
      'cluster-id': fc.constant('c-1'),
      sequence: fc.constantFrom('1', '0'),
      devices: maybe(
        fc.constantFrom<HeaderValue>(
          [{ id: '1', device: 'SN-1.model-a.my-brand', addresses: ['10.0.0.1'] }],
          [{ id: '1', device: 'bad' }],
          [
            { id: '1', device: 'a.b.acme' },
            { id: '1', device: 'c.b.acme' },
          ],
        ),
      ),
      subclusters: maybe(
        fc.constantFrom<HeaderValue>(
          [
            {
              name: 'sub',
              devices: ['1'],
              snaps: [{ state: 'clustered', instance: 'foo_a1', channel: 'latest/stable' }],
            },
          ],
          [{ name: 'sub', devices: ['2'] }],
          [{ name: 'sub', snaps: [{ state: 'gone', instance: 'foo', channel: 'stable' }] }],
          [{ name: 'sub', snaps: [{ state: 'removed', instance: 'foo_', channel: 'a/b/c/d' }] }],
        ),
      ),
    }),
  ),
  'confdb-control': drafts(
    'confdb-control',
    headersOf({
      'brand-id': accountId,
      model: fc.constantFrom('model-a', 'M'),
      serial: fc.constantFrom('SN-1', 'bad serial'),
      groups: maybe(
        fc.constantFrom<HeaderValue>(
          [{ operators: ['acme'], authentications: ['store'], views: ['acme/network/control'] }],
          [{ operators: ['acme'], views: ['acme/network/control'] }],
          'x',
        ),
      ),
    }),
  ),
  'request-message': drafts(
    'request-message',
    headersOf({
      'authority-id': accountId,
      'account-id': accountId,
      'message-id': mostly(['abcd', 'abcdEF12-3'], ['ab', 'abcd-0', 'abcd-']),
      'message-kind': mostly(['confdb', 'a-b'], ['A']),
      devices: mostly<HeaderValue | undefined>(
        [['SN-1.model-a.my-brand']],
        [undefined, ['x.y'], ['a.b.acme', 'a.b.acme']],
      ),
      assumes: maybe(
        mostly(
          [['snapd2.70'], ['feature-x']],
          [['isa-amd64-x'], ['Bad'], ['isa-amd64'], ['snapd2.x'], ['snapd']],
        ),
      ),
      'valid-since': timestamp,
      'valid-until': mostly(['2030-01-01T00:00:00Z'], ['2010-01-01T00:00:00Z']),
      timestamp,
    }),
    mostly<string | undefined>(['{}', 'x'], [undefined]),
  ),
  'response-message': drafts(
    'response-message',
    headersOf({
      'account-id': accountId,
      'message-id': fc.constantFrom('abcd', 'abcd-3'),
      device: fc.constantFrom('SN-1.model-a.my-brand', 'SN.1.model-a.my-brand', 'a.b'),
      status: fc.constantFrom('success', 'error', 'fine'),
      timestamp,
    }),
  ),
};
