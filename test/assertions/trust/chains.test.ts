import { beforeAll, describe, expect, it } from 'vitest';
import {
  decodeAssertion,
  prerequisitesOf,
  publicRoot,
  sourceOf,
  supportsOf,
  verifyChain,
  type Assertion,
  type AssertionDraft,
  type AssertionErrorCode,
  type HeaderValue,
  type TrustOptions,
} from '../../../src/assertions/index.ts';
import {
  accountDraft,
  accountKeyDraft,
  BRAND,
  MADE,
  makeWorld,
  OTHER,
  ROOT,
  signed,
  type AssertionWorld,
} from '../../support/assertion-world.ts';

const NOW = new Date('2024-06-01T00:00:00Z');
const DIGEST = Buffer.alloc(48, 1).toString('base64url');
const SNAP_ID = 'a'.repeat(32);

let world: AssertionWorld;

beforeAll(async () => {
  world = await makeWorld();
});

function options(known: readonly Assertion[] = world.known, more: Partial<TrustOptions> = {}): TrustOptions {
  return { source: sourceOf(known), trusted: sourceOf(world.roots), now: NOW, ...more };
}

/** The code with which an assertion is refused; undefined when it is trusted. */
async function refusal(
  assertion: Assertion,
  known?: readonly Assertion[],
  more?: Partial<TrustOptions>,
): Promise<AssertionErrorCode | undefined> {
  return verifyChain(assertion, options(known, more)).then(
    () => undefined,
    (error: { code: AssertionErrorCode }) => error.code,
  );
}

function modelDraft(extra: { [name: string]: HeaderValue } = {}): AssertionDraft {
  const headers = { 'authority-id': BRAND, series: '16', 'brand-id': BRAND, model: 'pi', classic: 'true' };
  return { type: 'model', headers: { ...headers, timestamp: MADE, ...extra } };
}

function serialDraft(authority = BRAND): AssertionDraft {
  const { keyId, encoded } = world.device.publicKey;
  const headers = {
    'authority-id': authority,
    'brand-id': BRAND,
    model: 'pi',
    serial: 'SN-1',
    timestamp: MADE,
  };
  return { type: 'serial', headers: { ...headers, 'device-key': encoded, 'device-key-sha3-384': keyId } };
}

function declarationDraft(extra: { [name: string]: HeaderValue } = {}): AssertionDraft {
  const headers = {
    'authority-id': ROOT,
    series: '16',
    'snap-id': SNAP_ID,
    'snap-name': 'app',
    'publisher-id': BRAND,
  };
  return { type: 'snap-declaration', headers: { ...headers, timestamp: MADE, ...extra } };
}

function revisionDraft(extra: { [name: string]: HeaderValue } = {}): AssertionDraft {
  const headers = {
    'authority-id': ROOT,
    'snap-sha3-384': DIGEST,
    'snap-id': SNAP_ID,
    'snap-size': '1',
    'snap-revision': '7',
    'developer-id': BRAND,
    timestamp: MADE,
  };
  return { type: 'snap-revision', headers: { ...headers, ...extra } };
}

/** The world with another revision of the brand's key. */
async function withBrandKey(extra: { [name: string]: HeaderValue }): Promise<readonly Assertion[]> {
  return [
    ...world.known,
    await signed(accountKeyDraft(BRAND, world.brand, { revision: '1', ...extra }), world.store),
  ];
}

describe('a chain of trust', () => {
  it('leads from an assertion over keys that sign keys to a root', async () => {
    expect(await refusal(await signed(modelDraft(), world.brand))).toBeUndefined();
    expect(await refusal(await signed(serialDraft(), world.brand))).toBeUndefined();
    expect(await refusal(world.brandAccount)).toBeUndefined();
  });

  it('ends at roots, which stand by themselves', async () => {
    for (const root of world.roots) expect(await refusal(root, [])).toBeUndefined();
    const trusted = sourceOf(publicRoot());
    for (const root of publicRoot()) await verifyChain(root, { source: sourceOf([]), trusted, now: NOW });
  });

  it('may know its roots by a rule instead of a source', async () => {
    const model = await signed(modelDraft(), world.brand);
    const known = [...world.known, ...world.roots];
    const trusted = (key: Assertion): boolean =>
      key.signKeyId === world.root.publicKey.keyId && key.primaryKey[0] === key.signKeyId;
    expect(await refusal(model, known, { trusted })).toBeUndefined();
    expect(await refusal(world.brandAccount, known, { trusted })).toBeUndefined();
    expect(await refusal(model, known, { trusted: () => false })).toBe('not-trusted');
  });

  it('does not take another root of the same name', async () => {
    const foreign = await makeWorld();
    expect(await refusal(await signed(modelDraft(), foreign.brand), foreign.known)).toBe('key-unknown');
    expect(await refusal(foreign.rootAccount, [...foreign.known, ...foreign.roots])).toBe('not-trusted');
    expect(await refusal(foreign.brandAccount, [...foreign.known, ...foreign.roots])).toBe('not-trusted');
  });

  it('that ends in a root which nobody added says so, and how it is added; two keys in a circle are no root', async () => {
    const foreign = await makeWorld();
    const why = (assertion: Assertion, known: readonly Assertion[]) =>
      verifyChain(assertion, options(known)).catch((error: Error) => error.message);
    const { keyId } = foreign.root.publicKey;
    expect(await why(foreign.brandAccount, [...foreign.known, ...foreign.roots])).toBe(
      `cannot trust account-key ${keyId}: it is the root of my-root, which is not trusted here; ` +
        'compare this fingerprint with what its authority says, then run "airlock trust add FILE"',
    );
    const [one, two] = [world.brand, world.other];
    const circle = [
      ...world.known.filter(({ type }) => type === 'account'),
      await signed(accountKeyDraft(BRAND, one, { 'authority-id': BRAND }), two),
      await signed(accountKeyDraft(BRAND, two, { 'authority-id': BRAND }), one),
    ];
    expect(await why(await signed(modelDraft(), one), circle)).toMatch(/: it rests on itself$/);
  });

  it('breaks at a key that is not known, or is known as the key of another account', async () => {
    const model = await signed(modelDraft(), world.brand);
    expect(
      await refusal(
        model,
        world.known.filter((one) => one !== world.brandKey),
      ),
    ).toBe('key-unknown');
    expect(
      await refusal(
        model,
        world.known.filter((one) => one !== world.storeKey),
      ),
    ).toBe('key-unknown');
    expect(await refusal(await signed(modelDraft(), world.other))).toBe('key-unknown');
  });

  it('breaks at a key whose account is not known', async () => {
    const model = await signed(modelDraft(), world.brand);
    expect(
      await refusal(
        model,
        world.known.filter((one) => one !== world.brandAccount),
      ),
    ).toBe('prerequisite-missing');
  });

  it('breaks at a changed byte anywhere in it', async () => {
    const changed = (assertion: Assertion, from: string, to: string): Assertion =>
      decodeAssertion(Buffer.from(assertion.bytes).toString().replace(from, to));
    const model = await signed(modelDraft({ 'display-name': 'Pi' }), world.brand);
    expect(await refusal(changed(model, 'display-name: Pi', 'display-name: Po'))).toBe('signature-invalid');
    const renamed = changed(world.brandKey, 'name: default', 'name: another');
    expect(await refusal(model, [...world.known.filter((one) => one !== world.brandKey), renamed])).toBe(
      'signature-invalid',
    );
  });

  it('is not looked into again where all that is known was verified before', async () => {
    const text = Buffer.from(world.brandKey.bytes).toString().replace('name: default', 'name: another');
    const known = [...world.known.filter((one) => one !== world.brandKey), decodeAssertion(text)];
    const model = await signed(modelDraft(), world.brand);
    expect(await refusal(model, known, { sourceIsVerified: true })).toBeUndefined();
    expect(await refusal(model, known)).toBe('signature-invalid');
  });

  it('does not take formats that nobody knows yet', async () => {
    const text = Buffer.from(world.brandAccount.bytes)
      .toString()
      .replace('type: account', 'type: account\nformat: 1');
    expect(await refusal(decodeAssertion(text))).toBe('format-unsupported');
  });
});

describe('the keys of a chain', () => {
  it.each<[AssertionErrorCode, { [name: string]: HeaderValue }]>([
    ['key-expired', { until: '2024-05-31T23:59:59Z' }],
    ['key-expired', { until: '2024-06-01T00:00:00Z' }],
    ['key-revoked', { until: MADE }],
    ['key-not-yet-valid', { since: '2024-06-01T00:00:01Z' }],
    ['timestamp-outside-key', { since: '2024-02-01T00:00:00Z' }],
  ])('refuse with %s a model of 1 January on 1 June when the key has %j', async (code, extra) => {
    expect(await refusal(await signed(modelDraft(), world.brand), await withBrandKey(extra))).toBe(code);
  });

  it('are in force up to the last instant', async () => {
    const known = await withBrandKey({ until: '2024-06-01T00:00:00.000000001Z' });
    expect(await refusal(await signed(modelDraft(), world.brand), known)).toBeUndefined();
  });

  it('may have expired since, when what they signed is only shown again', async () => {
    const model = await signed(modelDraft(), world.brand);
    const shownAgain = { keysInForce: 'timestamp' } as const;
    expect(
      await refusal(model, await withBrandKey({ until: '2024-03-01T00:00:00Z' }), shownAgain),
    ).toBeUndefined();
    expect(await refusal(model, await withBrandKey({ until: MADE }), shownAgain)).toBe('key-revoked');
    expect(await refusal(model, await withBrandKey({ since: '2024-02-01T00:00:00Z' }), shownAgain)).toBe(
      'key-not-yet-valid',
    );
  });

  it('sign what their constraints allow', async () => {
    const constraints = [
      { headers: { type: 'serial', model: 'pi|po' } },
      { headers: { type: 'model', model: 'po' } },
    ];
    const known = await withBrandKey({ constraints });
    expect(await refusal(await signed(serialDraft(), world.brand), known)).toBeUndefined();
    expect(await refusal(await signed(modelDraft(), world.brand), known)).toBe('key-constrained');
    expect(await refusal(await signed(modelDraft({ model: 'po' }), world.brand), known)).toBeUndefined();
  });

  it('cannot vouch for each other in a circle', async () => {
    const [one, two] = [world.brand, world.other];
    const circle = [
      ...world.known.filter(({ type }) => type === 'account'),
      await signed(accountKeyDraft(BRAND, one, { 'authority-id': BRAND }), two),
      await signed(accountKeyDraft(BRAND, two, { 'authority-id': BRAND }), one),
    ];
    expect(await refusal(await signed(modelDraft(), one), circle)).toBe('not-trusted');
  });
});

describe('what only a root may say', () => {
  it.each<[string, () => AssertionDraft]>([
    ['an account', () => accountDraft('new', { 'authority-id': BRAND })],
    ['an account-key', () => accountKeyDraft(BRAND, world.device, { 'authority-id': BRAND, name: 'new' })],
    [
      'a store',
      () => ({
        type: 'store',
        headers: { 'authority-id': BRAND, store: 's', 'operator-id': BRAND, timestamp: MADE },
      }),
    ],
    ['a snap-declaration', () => declarationDraft({ 'authority-id': BRAND })],
    ['a snap-revision', () => revisionDraft({ 'authority-id': BRAND })],
    [
      'a base-declaration',
      () => ({ type: 'base-declaration', headers: { 'authority-id': BRAND, series: '16', timestamp: MADE } }),
    ],
  ])('%s', async (_, draft) => {
    const declaration = await signed(declarationDraft(), world.store);
    expect(await refusal(await signed(draft(), world.brand), [...world.known, declaration])).toBe(
      'not-trusted',
    );
  });
});

describe('what assertions rest on', () => {
  it('a serial of another account than the brand rests on a model that allows it', async () => {
    const serial = await signed(serialDraft(OTHER), world.other);
    const model = await signed(modelDraft(), world.brand);
    const allowing = await signed(modelDraft({ revision: '1', 'serial-authority': [OTHER] }), world.brand);
    expect(await refusal(serial)).toBe('assertion-inconsistent');
    expect(await refusal(serial, [...world.known, model])).toBe('assertion-inconsistent');
    expect(await refusal(serial, [...world.known, model, allowing])).toBeUndefined();
  });

  it('a snap-revision rests on its declaration and its developer', async () => {
    const declaration = await signed(declarationDraft(), world.store);
    const revision = await signed(revisionDraft(), world.store);
    expect(await refusal(revision, [...world.known, declaration])).toBeUndefined();
    expect(await refusal(revision)).toBe('prerequisite-missing');
    const stranger = await signed(revisionDraft({ 'developer-id': 'stranger' }), world.store);
    expect(await refusal(stranger, [...world.known, declaration])).toBe('prerequisite-missing');
  });

  it('a revision of another provenance rests on a delegation', async () => {
    const delegating = {
      revision: '1',
      'revision-authority': [{ 'account-id': BRAND, provenance: ['own'], 'max-revision': '9' }],
    };
    const declaration = await signed(declarationDraft(delegating), world.store);
    const known = [...world.known, declaration];
    const draft = { 'authority-id': BRAND, provenance: 'own' };
    expect(await refusal(await signed(revisionDraft(draft), world.brand), known)).toBeUndefined();
    expect(
      await refusal(await signed(revisionDraft({ ...draft, 'snap-revision': '10' }), world.brand), known),
    ).toBe('not-trusted');
    expect(
      await refusal(await signed(revisionDraft({ ...draft, provenance: 'else' }), world.brand), known),
    ).toBe('not-trusted');
    expect(await refusal(await signed(revisionDraft({ provenance: 'own' }), world.store), known)).toBe(
      'not-trusted',
    );
  });

  it('a validation rests on both declarations, and is signed by the publisher of the gating snap', async () => {
    const gated = await signed(
      declarationDraft({ 'snap-id': 'b'.repeat(32), 'publisher-id': OTHER }),
      world.store,
    );
    const gating = await signed(declarationDraft(), world.store);
    const headers = {
      series: '16',
      'snap-id': SNAP_ID,
      'approved-snap-id': 'b'.repeat(32),
      'approved-snap-revision': '1',
      timestamp: MADE,
    };
    const by = (authority: string): AssertionDraft => ({
      type: 'validation',
      headers: { ...headers, 'authority-id': authority },
    });
    const known = [...world.known, gated, gating];
    expect(await refusal(await signed(by(BRAND), world.brand), known)).toBeUndefined();
    expect(await refusal(await signed(by(OTHER), world.other), known)).toBe('assertion-inconsistent');
    expect(await refusal(await signed(by(BRAND), world.brand), [...world.known, gating])).toBe(
      'prerequisite-missing',
    );
  });

  it('is named in the order in which it is wanted', async () => {
    const revision = await signed(revisionDraft(), world.store);
    expect(prerequisitesOf(revision)).toEqual([
      { type: 'snap-declaration', primaryKey: ['16', SNAP_ID] },
      { type: 'account', primaryKey: [BRAND] },
    ]);
    expect(supportsOf(revision).at(-1)).toEqual({
      type: 'account-key',
      primaryKey: [world.store.publicKey.keyId],
    });
    expect(prerequisitesOf(await signed(serialDraft(), world.brand))).toEqual([]);
  });
});
