import fc from 'fast-check';
import type { AssertionDraft, HeaderValue } from '../../../src/assertions/index.ts';
import {
  accountDraft,
  accountKeyDraft,
  BRAND,
  MADE,
  OTHER,
  ROOT,
  type AssertionWorld,
} from '../../support/assertion-world.ts';

const SNAP_ID = 'buPKUD3TKqCOgLEjjHx5kSiCpIs5cMuQ';
const GATED_ID = '99T7MUlRhtI3U0QFgl5mXXESAiSwt776';
const SIGNERS = ['root', 'store', 'brand', 'other', 'device'] as const;

/** Who signs. */
export type SignerName = (typeof SIGNERS)[number];

/** An assertion and what is known when it comes. */
export interface TrustScenario {
  readonly draft: AssertionDraft;
  readonly signer: SignerName;
  /** Drafts that are known besides the accounts and keys of the world; the store signs them. */
  readonly background: readonly { readonly draft: AssertionDraft; readonly signer: SignerName }[];
  /** Changes to the brand's account-key. */
  readonly brandKey: { readonly [name: string]: HeaderValue };
}

function declaration(
  snapId: string,
  publisher: string,
  extra: { [name: string]: HeaderValue } = {},
): AssertionDraft {
  const headers = {
    'authority-id': ROOT,
    series: '16',
    'snap-id': snapId,
    'snap-name': 'my-app',
    'publisher-id': publisher,
  };
  return { type: 'snap-declaration', headers: { ...headers, timestamp: MADE, ...extra } };
}

function model(extra: { [name: string]: HeaderValue }): AssertionDraft {
  const headers = {
    'authority-id': BRAND,
    series: '16',
    'brand-id': BRAND,
    model: 'model-a',
    classic: 'true',
  };
  return { type: 'model', headers: { ...headers, timestamp: MADE, ...extra } };
}

/** Scenarios in which each rule between assertions is kept or broken. */
export function trustScenarios(world: AssertionWorld): fc.Arbitrary<TrustScenario> {
  const account = fc.constantFrom(BRAND, OTHER, ROOT, 'unknown-account');
  const authority = fc.constantFrom(ROOT, ROOT, BRAND, BRAND, OTHER);
  const timestamp = fc.constantFrom(
    MADE,
    MADE,
    MADE,
    '2023-12-31T23:59:59Z',
    '2025-06-01T00:00:00Z',
    '2026-06-01T00:00:00Z',
  );
  const provenance = fc.constantFrom('global-upload', 'brand-provenance', 'unknown-provenance');
  const digest = Buffer.alloc(48, 7).toString('base64url');

  const drafts: fc.Arbitrary<AssertionDraft> = fc.oneof(
    fc
      .tuple(authority, timestamp)
      .map(([id, time]) => accountDraft('new-account', { 'authority-id': id, timestamp: time })),
    fc
      .tuple(authority, account)
      .map(([id, owner]) => accountKeyDraft(owner, world.device, { 'authority-id': id, name: 'another' })),
    fc
      .tuple(authority, timestamp)
      .map(([id, time]) => model({ 'authority-id': id, 'brand-id': id, timestamp: time })),
    fc.tuple(authority, timestamp).map(([id, time]) => ({
      type: 'serial' as const,
      headers: {
        'authority-id': id,
        'brand-id': BRAND,
        model: 'model-a',
        serial: 'SN-1',
        'device-key': world.device.publicKey.encoded,
        'device-key-sha3-384': world.device.publicKey.keyId,
        timestamp: time,
      },
    })),
    fc.tuple(authority, account).map(([id, operator]) => ({
      type: 'store' as const,
      headers: { 'authority-id': id, store: 'my-store', 'operator-id': operator, timestamp: MADE },
    })),
    fc
      .tuple(authority, account)
      .map(([id, publisher]) => declaration('c'.repeat(32), publisher, { 'authority-id': id })),
    fc
      .tuple(authority, account, provenance, fc.constantFrom('1', '7', '20'))
      .map(([id, developer, from, number]) => ({
        type: 'snap-revision' as const,
        headers: {
          'authority-id': id,
          'snap-sha3-384': digest,
          provenance: from,
          'snap-id': SNAP_ID,
          'snap-size': '1',
          'snap-revision': number,
          'developer-id': developer,
          timestamp: MADE,
        },
      })),
    fc.tuple(authority, provenance).map(([id, from]) => ({
      type: 'snap-resource-pair' as const,
      headers: {
        'authority-id': id,
        'snap-id': SNAP_ID,
        'resource-name': 'comp',
        'resource-revision': '3',
        'snap-revision': '7',
        provenance: from,
        'developer-id': BRAND,
        timestamp: MADE,
      },
    })),
    fc.tuple(authority, fc.constantFrom(SNAP_ID, GATED_ID)).map(([id, gating]) => ({
      type: 'validation' as const,
      headers: {
        'authority-id': id,
        series: '16',
        'snap-id': gating,
        'approved-snap-id': GATED_ID,
        'approved-snap-revision': '3',
        timestamp: MADE,
      },
    })),
    fc.tuple(authority, account, account).map(([id, publisher, developer]) => ({
      type: 'snap-developer' as const,
      headers: {
        'authority-id': id,
        'snap-id': SNAP_ID,
        'publisher-id': publisher,
        developers: [{ 'developer-id': developer, since: MADE }],
      },
    })),
    account.map((owner) => ({
      type: 'account-key-request' as const,
      headers: {
        'account-id': owner,
        name: 'new',
        'public-key-sha3-384': world.device.publicKey.keyId,
        since: MADE,
      },
      body: world.device.publicKey.encoded,
    })),
    fc.constant({
      type: 'device-session-request' as const,
      headers: { 'brand-id': BRAND, model: 'model-a', serial: 'SN-1', nonce: 'n', timestamp: MADE },
    }),
  );

  const background = fc
    .record({
      gating: fc.constantFrom(
        undefined,
        declaration(SNAP_ID, BRAND),
        declaration(SNAP_ID, BRAND, {
          'revision-authority': [
            {
              'account-id': BRAND,
              provenance: ['brand-provenance'],
              'min-revision': '5',
              'max-revision': '9',
            },
          ],
        }),
      ),
      gated: fc.constantFrom(undefined, declaration(GATED_ID, OTHER)),
      model: fc.constantFrom(undefined, model({ 'serial-authority': [OTHER] })),
    })
    .map(({ gating, gated, model: known }) => [
      ...(gating === undefined ? [] : [{ draft: gating, signer: 'store' as const }]),
      ...(gated === undefined ? [] : [{ draft: gated, signer: 'store' as const }]),
      ...(known === undefined ? [] : [{ draft: known, signer: 'brand' as const }]),
    ]);

  const brandKey = fc.constantFrom<{ [name: string]: HeaderValue }>(
    {},
    {},
    {},
    { until: '2099-01-01T00:00:00Z' },
    { until: '2025-01-01T00:00:00Z' },
    { until: MADE },
    { since: '2098-01-01T00:00:00Z' },
    { constraints: [{ headers: { type: 'model', model: 'model-.*' } }, { headers: { type: 'validation' } }] },
    { constraints: [{ headers: { type: 'serial', serial: 'sn.*|SN-\\d', 'brand-id': '(?i)MY-brand' } }] },
  );

  return fc.record({ draft: drafts, background, brandKey }).chain((parts) => {
    const authorityId = parts.draft.headers['authority-id'];
    const owner: SignerName =
      authorityId === ROOT
        ? 'store'
        : authorityId === BRAND
          ? 'brand'
          : authorityId === OTHER
            ? 'other'
            : 'device';
    const signer = fc.oneof(
      { arbitrary: fc.constant(owner), weight: 6 },
      { arbitrary: fc.constantFrom(...SIGNERS), weight: 1 },
    );
    return signer.map((name) => ({ ...parts, signer: name }));
  });
}
