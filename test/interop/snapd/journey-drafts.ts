import fc from 'fast-check';
import {
  accountId,
  body,
  count,
  digest,
  headersOf,
  maybe,
  revision,
  SNAP_IDS,
  snapId,
  snapName,
  timestamp,
  words,
  type DraftKey,
  type GeneratedDraft,
} from './draft-parts.ts';
import { interfaceRules, keyConstraints } from './rule-drafts.ts';

type Drafts = { readonly [type: string]: fc.Arbitrary<GeneratedDraft> };

function drafts(
  type: string,
  headers: Parameters<typeof headersOf>[0],
  draftBody: fc.Arbitrary<string | undefined> = fc.constant(undefined),
): fc.Arbitrary<GeneratedDraft> {
  return fc
    .record({ headers: headersOf({ revision, ...headers }), body: draftBody })
    .map(({ headers: made, body: text }) => ({
      type,
      headers: made,
      ...(text !== undefined && { body: text }),
    }));
}

const since = fc.constantFrom('2020-01-01T00:00:00Z', '2024-01-01T00:00:00Z');
const until = maybe(fc.constantFrom('2020-01-01T00:00:00Z', '2030-01-01T00:00:00Z', '2019-01-01T00:00:00Z'));
const keyName = fc.constantFrom('models', 'default', 'a-1', '1-a', '1', 'A', 'x--y', '-x');
const modelName = fc.constantFrom('model-a', 'pi-4', 'Model', 'm_1');
const provenance = maybe(fc.constantFrom('global-upload', 'acme-provenance', 'bad provenance'));
const integrity = maybe(
  fc.constant([
    {
      type: 'dm-verity',
      version: '1',
      'hash-algorithm': 'sha256',
      'data-block-size': '4096',
      'hash-block-size': '4096',
      digest: 'ab'.repeat(32),
      salt: 'CD'.repeat(32),
    },
  ]),
);

/** Drafts of the types that a serial and a snap's installation rest on; most are valid, some are not. */
export function journeyDrafts(keys: readonly DraftKey[]): Drafts {
  const key = fc.constantFrom(...keys);
  const withKey = (type: string, more: Parameters<typeof headersOf>[0]): fc.Arbitrary<GeneratedDraft> =>
    key.chain((one) =>
      drafts(type, { 'public-key-sha3-384': fc.constant(one.keyId), ...more }, fc.constant(one.encoded)),
    );
  return {
    account: drafts('account', {
      'authority-id': accountId,
      'account-id': accountId,
      'display-name': words,
      username: maybe(words),
      validation: fc.constantFrom('verified', 'unproven', 'certified', 'starred'),
      timestamp,
    }),
    'account-key': withKey('account-key', {
      'authority-id': accountId,
      'account-id': accountId,
      name: maybe(keyName),
      since,
      until,
      constraints: keyConstraints,
    }),
    'account-key-request': withKey('account-key-request', {
      'account-id': accountId,
      name: keyName,
      since,
      until,
    }),
    store: drafts('store', {
      'authority-id': accountId,
      store: fc.constantFrom('my-store', 'Other_1'),
      'operator-id': accountId,
      url: maybe(
        fc.constantFrom(
          'http://store.example:8080/',
          'https://store.example',
          'ftp://store.example',
          'http:///path',
          'https://s.example/?q=1',
          'https://s.example/#f',
          'HTTP://[::1]:80/x',
          'http://s.example:port/',
          'https://s.example/?',
          'nonsense',
          'http://a b/',
          'http://s.example/%zz',
        ),
      ),
      'friendly-stores': maybe(fc.array(fc.constantFrom('one', 'two'), { minLength: 1, maxLength: 2 })),
      location: maybe(words),
      timestamp,
    }),
    'snap-declaration': drafts('snap-declaration', {
      'authority-id': accountId,
      series: fc.constant('16'),
      'snap-id': snapId,
      'snap-name': fc.constantFrom('my-app', ''),
      'publisher-id': accountId,
      timestamp,
      plugs: interfaceRules,
      slots: interfaceRules,
      'refresh-control': maybe(fc.constantFrom([...SNAP_IDS], ['x'])),
      'auto-aliases': maybe(fc.constantFrom(['cmd.one', 'x'], ['.bad'])),
      aliases: maybe(
        fc.constantFrom(
          [{ name: 'cmd1', target: 'cmd-1' }],
          [
            { name: 'a', target: 'b' },
            { name: 'a', target: 'c' },
          ],
          [{ name: 'a' }],
        ),
      ),
      'revision-authority': maybe(
        fc.constantFrom(
          [{ 'account-id': 'acme', provenance: ['acme-provenance'] }],
          [{ 'account-id': 'acme', provenance: ['p'], 'min-revision': '5', 'max-revision': '4' }],
          [{ 'account-id': 'acme', provenance: ['p'], 'on-store': ['s'], 'max-revision': '9' }],
          [{ 'account-id': 'acme' }],
        ),
      ),
    }),
    'snap-revision': drafts('snap-revision', {
      'authority-id': accountId,
      'snap-sha3-384': digest,
      provenance,
      'snap-id': snapId,
      'snap-size': fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String),
      'snap-revision': count,
      'developer-id': accountId,
      timestamp,
      integrity,
    }),
    'snap-build': drafts('snap-build', {
      'authority-id': accountId,
      'snap-sha3-384': digest,
      'snap-id': snapId,
      grade: fc.constantFrom('stable', 'devel'),
      'snap-size': count,
      timestamp,
    }),
    serial: key.chain((one) =>
      drafts(
        'serial',
        {
          'authority-id': accountId,
          'brand-id': accountId,
          model: modelName,
          serial: fc.constantFrom('SN-1', '00:11:22', 'any thing', 'a/b'),
          'device-key': fc.constant(one.encoded),
          'device-key-sha3-384': fc.constant(one.keyId),
          timestamp,
        },
        body,
      ),
    ),
    'device-session-request': drafts('device-session-request', {
      'brand-id': accountId,
      model: modelName,
      serial: fc.constantFrom('SN-1', '2'),
      nonce: fc.base64String({ minLength: 4, maxLength: 40 }),
      timestamp,
    }),
    validation: drafts('validation', {
      'authority-id': accountId,
      series: fc.constant('16'),
      'snap-id': snapId,
      'approved-snap-id': snapId,
      'approved-snap-revision': count,
      revoked: maybe(fc.constantFrom('true', 'false', 'yes')),
      timestamp,
    }),
    'snap-developer': drafts('snap-developer', {
      'authority-id': accountId,
      'snap-id': snapId,
      'publisher-id': accountId,
      developers: maybe(
        fc.array(headersOf({ 'developer-id': accountId, since, until }), { minLength: 1, maxLength: 3 }),
      ),
    }),
    'snap-resource-revision': drafts('snap-resource-revision', {
      'authority-id': accountId,
      'snap-id': snapId,
      'resource-name': snapName,
      'resource-sha3-384': digest,
      provenance,
      'resource-size': count,
      'resource-revision': count,
      'developer-id': accountId,
      timestamp,
      integrity,
    }),
    'snap-resource-pair': drafts('snap-resource-pair', {
      'authority-id': accountId,
      'snap-id': snapId,
      'resource-name': snapName,
      'resource-revision': count,
      'snap-revision': count,
      provenance,
      'developer-id': accountId,
      timestamp,
    }),
  };
}

/** A serial-request names the key that signs it, so its key is the signer's. */
export function serialRequestDrafts(signer: DraftKey): fc.Arbitrary<GeneratedDraft> {
  return drafts(
    'serial-request',
    {
      'brand-id': accountId,
      model: modelName,
      'request-id': fc.constantFrom('REQ-1', 'two\nlines'),
      serial: maybe(fc.constantFrom('SN-1', '')),
      'device-key': fc.constant(signer.encoded),
    },
    body,
  );
}
