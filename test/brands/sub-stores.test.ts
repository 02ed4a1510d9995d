import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ANCESTORS_MAX,
  apartFrom,
  ancestorsOf,
  BrandError,
  checkParent,
  descendantsOf,
  GENERAL_STORE,
  type StoreInLine,
  type StoreView,
} from '../../src/brands/index.ts';

const line = (brandId: string | undefined, parent?: string): StoreInLine => ({ brandId, parent });
const lines = new Map([
  [GENERAL_STORE, line(undefined)],
  ['acme', line('acme')],
  ['robots', line('acme', 'acme')],
  ['robots-eu', line('acme', 'robots')],
  ['kiosks', line('acme', 'acme')],
  ['globex', line('globex')],
]);

describe('the stores above a sub-store', () => {
  it('are its parent, the parent of that, and so on', () => {
    expect(ancestorsOf(lines, 'robots-eu')).toEqual(['robots', 'acme']);
    expect(ancestorsOf(lines, 'acme')).toEqual([]);
    expect(ancestorsOf(lines, 'nowhere')).toEqual([]);
    expect(descendantsOf(lines, 'acme')).toEqual(['robots', 'robots-eu', 'kiosks']);
    expect(descendantsOf(lines, 'robots')).toEqual(['robots-eu']);
    expect(descendantsOf(lines, 'globex')).toEqual([]);
  });

  it('end with one that is not here, and never go round', () => {
    const odd = new Map([
      ['a', line('acme', 'b')],
      ['b', line('acme', 'a')],
      ['c', line('acme', 'b')],
      ['d', line('acme', 'gone')],
    ]);
    expect(ancestorsOf(odd, 'a')).toEqual(['b']);
    expect(ancestorsOf(odd, 'c')).toEqual(['b', 'a']);
    expect(ancestorsOf(odd, 'd')).toEqual(['gone']);
  });
});

describe('the stores apart from one', () => {
  const shows = (id: string, ...others: readonly string[]): [string, StoreView] => [
    id,
    {
      id,
      kind: 'device-view',
      brandId: 'acme',
      includes: others.map((store) => ({ store, snaps: 'all' })),
    },
  ];
  it('show its snaps, if only through others, and are not below it', () => {
    const stores = new Map([
      shows('acme'),
      shows('robots', 'acme'),
      shows('robots-eu', 'robots'),
      shows('kiosks'),
      shows('globex', 'robots', 'globex'),
      shows('more', 'globex', 'acme'),
    ]);
    expect(apartFrom(stores, lines, 'acme')).toEqual(['globex', 'more']);
    expect(apartFrom(stores, lines, 'robots')).toEqual(['globex', 'more']);
    expect(apartFrom(stores, lines, 'kiosks')).toEqual([]);
    expect(apartFrom(stores, lines, 'globex')).toEqual(['more']);
  });
});

describe('a parent', () => {
  const told = (store: string, parent: string, brandId = 'acme', among = lines) => {
    try {
      checkParent(among, { id: store, brandId }, parent);
      return 'allowed';
    } catch (error) {
      return error instanceof BrandError ? [error.kind, error.code, error.message] : error;
    }
  };

  it('is any store of the brand that is not below', () => {
    expect(told('new', 'robots-eu')).toBe('allowed');
    expect(told('kiosks', 'robots')).toBe('allowed');
    expect(told('robots', 'kiosks')).toBe('allowed');
  });

  it.each([
    ['new', 'nowhere', 'invalid', 'store-parent-invalid', /there is no store of that id; create it first$/],
    ['new', GENERAL_STORE, 'invalid', 'store-parent-invalid', /the general store is nobody's; include it/],
    ['new', 'globex', 'forbidden', 'store-of-other-brand', /not of the brand acme; name one that is$/],
    ['acme', 'acme', 'invalid', 'store-parent-invalid', /that is itself; name another store$/],
    [
      'acme',
      'robots-eu',
      'invalid',
      'store-parent-invalid',
      /below it already; take the parent of "robots-eu"/,
    ],
  ])('of %s is not %s', (store, parent, kind, code, sentence) => {
    expect(told(store, parent)).toEqual([kind, code, expect.stringMatching(sentence)]);
    expect(told(store, parent)).toEqual([kind, code, expect.stringMatching(/^cannot make "/)]);
  });

  it('leaves few stores over each other, those below the store included', () => {
    const tower = new Map([
      ...lines,
      ['robots-fr', line('acme', 'robots-eu')],
      ['robots-paris', line('acme', 'robots-fr')],
    ]);
    expect(ancestorsOf(tower, 'robots-paris')).toHaveLength(ANCESTORS_MAX);
    const sentence = expect.stringContaining('that would be 5 stores over the lowest, and 4 is the most');
    expect(told('new', 'robots-paris', 'acme', tower)).toEqual(['invalid', 'store-parent-invalid', sentence]);
    expect(told('robots', 'kiosks', 'acme', tower)).toEqual(['invalid', 'store-parent-invalid', sentence]);
    expect(told('robots-eu', 'acme', 'acme', tower)).toBe('allowed');
  });

  it('never makes a circle or a line that is too long, in whatever order parents are given', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const id = fc.constantFrom(...ids);
    fc.assert(
      fc.property(fc.array(fc.tuple(id, id), { maxLength: 30 }), (wishes) => {
        const brand = new Map(ids.map((store) => [store, line('acme')]));
        for (const [store, parent] of wishes) {
          try {
            checkParent(brand, { id: store, brandId: 'acme' }, parent);
            brand.set(store, line('acme', parent));
          } catch (error) {
            if (!(error instanceof BrandError)) throw error;
          }
        }
        for (const store of ids) {
          const above = ancestorsOf(brand, store);
          expect(above).not.toContain(store);
          expect(brand.get(above.at(-1) ?? store)?.parent).toBeUndefined();
        }
      }),
    );
  });
});
