import { describe, expect, it } from 'vitest';
import { grantsOf, scopeDeclaration, unscopeDeclaration, unscopedGrants } from '../../src/snaps/index.ts';

const declaration = (rules: Record<string, unknown>) =>
  ({ type: 'snap-declaration', 'snap-id': 'x', ...rules }) as never;
const store = 'your-brand-store';
const scoped = { 'on-store': [store] };

describe('store scoping of a snap-declaration', () => {
  it('turns the old version of the document into the new one (seed 002)', () => {
    const old = declaration({
      plugs: { 'snapd-control': { 'allow-auto-connection': 'true', 'allow-installation': 'true' } },
    });
    expect(scopeDeclaration(old, [store])).toEqual(
      declaration({
        plugs: { 'snapd-control': { 'allow-auto-connection': scoped, 'allow-installation': scoped } },
      }),
    );
  });

  it('finds grants in each shape a rule can have', () => {
    const grants = unscopedGrants(
      declaration({
        plugs: {
          all: 'true',
          none: 'false',
          implied: { 'allow-installation': 'true' },
          listed: { 'allow-installation': 'false', 'allow-auto-connection': [scoped, { 'on-brand': ['b'] }] },
        },
        slots: { offered: { 'allow-auto-connection': scoped, 'allow-installation': scoped } },
      }),
    );
    expect(grants.map((g) => `${g.side} ${g.interface} ${g.rule} ${g.written}`)).toEqual([
      'plugs all allow-auto-connection true',
      'plugs all allow-installation true',
      'plugs implied allow-auto-connection false',
      'plugs implied allow-installation true',
      'plugs listed allow-auto-connection true',
    ]);
  });

  it('leaves denials, manual connections and other stores alone', () => {
    const before = declaration({
      plugs: {
        a: {
          'allow-auto-connection': { 'on-store': ['other'] },
          'allow-installation': 'false',
          'allow-connection': 'true',
        },
        b: 'true',
      },
    });
    expect(scopeDeclaration(before, [store])).toEqual(
      declaration({
        plugs: {
          a: {
            'allow-auto-connection': { 'on-store': ['other'] },
            'allow-installation': 'false',
            'allow-connection': 'true',
          },
          b: { 'allow-auto-connection': scoped, 'allow-installation': scoped },
        },
      }),
    );
  });

  it('leaves nothing unscoped, is stable, and can be taken back', () => {
    const before = declaration({
      plugs: { a: 'true', b: { 'allow-auto-connection': [{ 'plug-names': ['x'] }] } },
      slots: { c: 'true' },
    });
    const after = scopeDeclaration(before, [store]) ?? {};
    expect(unscopedGrants(after)).toEqual([]);
    expect(scopeDeclaration(after, [store])).toBeUndefined();
    expect(grantsOf(unscopeDeclaration(after, [store])).every((grant) => grant.reach === 'unscoped')).toBe(
      true,
    );
  });

  it('keeps the other stores when one is taken back', () => {
    const two = declaration({ plugs: { a: { 'allow-auto-connection': { 'on-store': [store, 'other'] } } } });
    expect(unscopeDeclaration(two, [store])).toEqual(
      declaration({ plugs: { a: { 'allow-auto-connection': { 'on-store': ['other'] } } } }),
    );
  });

  it('refuses shapes that snapd refuses, and stores that are none', () => {
    expect(() => grantsOf(declaration({ plugs: 'true' }))).toThrow(
      expect.objectContaining({ code: 'declaration-invalid' }),
    );
    expect(() => grantsOf(declaration({ plugs: { a: 'maybe' } }))).toThrow(
      expect.objectContaining({ code: 'declaration-invalid' }),
    );
    expect(() => scopeDeclaration(declaration({}), [])).toThrow(
      expect.objectContaining({ code: 'declaration-invalid' }),
    );
    expect(() => scopeDeclaration(declaration({}), ['a b'])).toThrow(
      expect.objectContaining({ code: 'declaration-invalid' }),
    );
  });
});
