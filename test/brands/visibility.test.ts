import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ANONYMOUS,
  assertionAccess,
  GENERAL_STORE,
  type SnapInStore,
  storeOfModel,
  type Stores,
  type StoreView,
  type Viewer,
  visibility,
} from '../../src/brands/index.ts';

const stores: Stores = new Map(
  (
    [
      { id: GENERAL_STORE, kind: 'general', brandId: undefined, includes: [] },
      {
        id: 'acme-main',
        kind: 'brand',
        brandId: 'acme',
        includes: [{ store: GENERAL_STORE, snaps: new Set(['listed', 'secret-listed']) }],
      },
      {
        id: 'acme-devices',
        kind: 'device-view',
        brandId: 'acme',
        includes: [{ store: 'acme-main', snaps: 'all' }],
      },
      { id: 'globex', kind: 'brand', brandId: 'globex', includes: [{ store: 'acme-main', snaps: 'all' }] },
      {
        id: 'umbra',
        kind: 'device-view',
        brandId: 'umbra',
        includes: [
          { store: 'acme-main', snaps: new Set(['own', 'shared']) },
          { store: 'acme-devices', snaps: 'all' },
        ],
      },
      {
        id: 'lent',
        kind: 'brand',
        brandId: 'acme',
        includes: [
          { store: 'acme-main', snaps: 'all' },
          { store: GENERAL_STORE, snaps: new Set(['secret-listed']) },
        ],
        sharedWith: new Set(['partner']),
      },
      { id: 'partner', kind: 'device-view', brandId: 'partner', includes: [{ store: 'lent', snaps: 'all' }] },
      { id: 'other', kind: 'device-view', brandId: 'other', includes: [{ store: 'lent', snaps: 'all' }] },
      { id: 'circle', kind: 'brand', brandId: 'circle', includes: [{ store: 'circle-2', snaps: 'all' }] },
      { id: 'circle-2', kind: 'brand', brandId: 'circle', includes: [{ store: 'circle', snaps: 'all' }] },
    ] satisfies StoreView[]
  ).map((store) => [store.id, store]),
);
const device = (brandId: string, storeId: string): Viewer => ({ kind: 'device', brandId, storeId });
const snap = (snapId: string, storeId: string, isPrivate: boolean): SnapInStore => ({
  snapId,
  storeId,
  private: isPrivate,
});

const open = snap('open', GENERAL_STORE, false);
const listed = snap('listed', GENERAL_STORE, false);
const secret = snap('secret', GENERAL_STORE, true);
const secretListed = snap('secret-listed', GENERAL_STORE, true);
const own = snap('own', 'acme-main', true);
const shared = snap('shared', 'acme-main', false);
const lent = snap('lent-own', 'lent', true);

describe('who may know of a snap', () => {
  it.each([
    ['no session', ANONYMOUS, ['open', 'listed']],
    ['a device without a store', device('someone', GENERAL_STORE), ['open', 'listed']],
    [
      'a device of the brand store',
      device('acme', 'acme-main'),
      ['listed', 'secret-listed', 'own', 'shared'],
    ],
    [
      'a device of the device-view store',
      device('acme', 'acme-devices'),
      ['listed', 'secret-listed', 'own', 'shared'],
    ],
    [
      'a device of a store that includes public snaps of another brand',
      device('globex', 'globex'),
      ['listed', 'shared'],
    ],
    [
      'a device of a store that lists a private snap of another brand',
      device('umbra', 'umbra'),
      ['listed', 'shared'],
    ],
    [
      'a device of a store that includes one of another brand, which is shared with its own: what is kept in it, no private snap beyond',
      device('partner', 'partner'),
      ['listed', 'shared', 'lent-own'],
    ],
    [
      'a device of a store that includes one which is shared with others',
      device('other', 'other'),
      ['listed', 'shared'],
    ],
    ['a device whose brand does not own the store it claims', device('globex', 'acme-main'), []],
    ['a device of a store that is not here', device('acme', 'nowhere'), []],
    ['a device of a store that includes itself', device('circle', 'circle'), []],
  ])('%s', (_, viewer, expected) => {
    const seen = [open, listed, secret, secretListed, own, shared, lent].filter((each) =>
      visibility(viewer, each, stores),
    );
    expect(seen.map((each) => each.snapId)).toEqual(expected);
  });

  it('is never more than the closure of what the store includes', () => {
    const arbitraryStores = fc
      .array(
        fc.record({
          from: fc.integer({ min: 0, max: 4 }),
          to: fc.integer({ min: 0, max: 4 }),
          list: fc.option(fc.uniqueArray(fc.constantFrom('x', 'y')), { nil: undefined }),
        }),
        { maxLength: 8 },
      )
      .map((edges): Stores => {
        const views = [0, 1, 2, 3, 4].map((n): StoreView => ({
          id: `s${n}`,
          kind: 'brand',
          brandId: `b${n % 2}`,
          includes: edges
            .filter((e) => e.from === n)
            .map((e) => ({ store: `s${e.to}`, snaps: e.list === undefined ? 'all' : new Set(e.list) })),
        }));
        return new Map(views.map((view) => [view.id, view]));
      });
    fc.assert(
      fc.property(
        arbitraryStores,
        fc.constantFrom('x', 'y', 'z'),
        fc.integer({ min: 0, max: 4 }),
        fc.boolean(),
        (all, id, home, hidden) => {
          const subject = snap(id, `s${home}`, hidden);
          const reached = new Set(['s0']);
          for (let i = 0; i < 5; i++) {
            for (const from of reached) {
              for (const edge of all.get(from)?.includes ?? [])
                if (edge.snaps === 'all' || edge.snaps.has(id)) reached.add(edge.store);
            }
          }
          if (visibility(device('b0', 's0'), subject, all)) expect(reached).toContain(subject.storeId);
          if (subject.private && visibility(device('b0', 's0'), subject, all))
            expect(all.get(subject.storeId)?.brandId).toBe('b0');
          expect(visibility(device('b1', 's0'), subject, all)).toBe(false);
          expect(visibility(device('b0', 's0'), { ...subject, storeId: 's0' }, all)).toBe(true);
        },
      ),
    );
  });
});

describe('the store of a model', () => {
  it('is the general one when the model names none', () => {
    expect(storeOfModel(stores, 'anyone', undefined)).toBe(GENERAL_STORE);
  });

  it('must be hosted here and belong to the brand', () => {
    expect(storeOfModel(stores, 'acme', 'acme-devices')).toBe('acme-devices');
    expect(() => storeOfModel(stores, 'globex', 'acme-main')).toThrow(
      expect.objectContaining({ code: 'store-not-of-brand' }),
    );
    expect(() => storeOfModel(stores, 'acme', 'nowhere')).toThrow(
      expect.objectContaining({ code: 'store-unknown' }),
    );
  });
});

describe('who may have an assertion', () => {
  const access = (viewer: Viewer, type: string, primaryKey: string[]) =>
    assertionAccess(viewer, { type, primaryKey, ownStore: primaryKey[0] === 'this-host' }, stores);
  const acme = device('acme', 'acme-devices');

  it.each(['account', 'account-key', 'base-declaration'])('everybody: %s', (type) => {
    expect(access(ANONYMOUS, type, ['x'])).toBe('yes');
  });

  it.each([
    'snap-declaration',
    'snap-revision',
    'snap-build',
    'validation',
    'snap-resource-pair',
    'snap-developer',
  ])('whoever sees the snap: %s', (type) => {
    expect(access(ANONYMOUS, type, ['x'])).toBe('snap');
  });

  it.each([
    ['model', ['16', 'acme', 'm']],
    ['preseed', ['16', 'acme', 'm', 'l']],
    ['serial', ['acme', 'm', 's']],
    ['system-user', ['acme', 'a@acme']],
    ['confdb-schema', ['acme', 'n']],
    ['repair', ['acme', '1']],
  ])('the brand’s own devices: %s', (type, key) => {
    expect(access(acme, type, key)).toBe('yes');
    expect(access(device('globex', 'globex'), type, key)).toBe('no');
    expect(access(ANONYMOUS, type, key)).toBe('no');
  });

  it('a store’s devices, and everybody for the host’s own: store', () => {
    expect(access(acme, 'store', ['acme-devices'])).toBe('yes');
    expect(access(acme, 'store', ['globex'])).toBe('no');
    expect(access(ANONYMOUS, 'store', ['this-host'])).toBe('yes');
  });

  it('a validation set: its brand, else whoever sees its snaps', () => {
    expect(access(acme, 'validation-set', ['16', 'acme', 'n', '1'])).toBe('yes');
    expect(access(ANONYMOUS, 'validation-set', ['16', 'acme', 'n', '1'])).toBe('snap');
  });

  it.each([
    'serial-request',
    'device-session-request',
    'account-key-request',
    'hardware-identity',
    'no-such-type',
  ])('nobody: %s', (type) => {
    expect(access(acme, type, ['acme'])).toBe('no');
  });
});
