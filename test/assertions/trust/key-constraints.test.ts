import { beforeAll, describe, expect, it } from 'vitest';
import {
  constraintsAllow,
  constraintsMayAllow,
  type Assertion,
  type HeaderValue,
} from '../../../src/assertions/index.ts';
import {
  accountKeyDraft,
  BRAND,
  makeWorld,
  signed,
  type AssertionWorld,
} from '../../support/assertion-world.ts';

describe('the constraints of an account-key', () => {
  let world: AssertionWorld;
  let constrained: Assertion;

  beforeAll(async () => {
    world = await makeWorld();
    constrained = await keyWith([
      { headers: { type: 'serial', model: 'pi-.*', 'brand-id': BRAND } },
      { headers: { type: 'model', series: '16', store: '$MISSING' } },
      { headers: { type: 'validation-set', snaps: { name: 'a|b' } } },
    ]);
  });

  function keyWith(constraints: readonly HeaderValue[]): Promise<Assertion> {
    return signed(accountKeyDraft(BRAND, world.brand, { constraints }), world.store);
  }

  it('leave a key without any free', () => {
    expect(constraintsAllow(world.brandKey, { type: 'serial' })).toBe(true);
    expect(constraintsMayAllow(world.brandKey, {})).toBe(true);
  });

  it('allow what fits one of them in every header', () => {
    const serial = { type: 'serial', model: 'pi-4', 'brand-id': BRAND, serial: 'SN-1' };
    expect(constraintsAllow(constrained, serial)).toBe(true);
    expect(constraintsAllow(constrained, { ...serial, model: 'po-4' })).toBe(false);
    expect(constraintsAllow(constrained, { ...serial, type: 'serial-request' })).toBe(false);
    expect(constraintsAllow(constrained, { type: 'model', series: '16' })).toBe(true);
    expect(constraintsAllow(constrained, { type: 'model', series: '16', store: 'mine' })).toBe(false);
    expect(
      constraintsAllow(constrained, { type: 'validation-set', snaps: [{ name: 'a' }, { name: 'b' }] }),
    ).toBe(true);
    expect(
      constraintsAllow(constrained, { type: 'validation-set', snaps: [{ name: 'a' }, { name: 'c' }] }),
    ).toBe(false);
  });

  it('may allow what is not known in full yet', () => {
    expect(constraintsMayAllow(constrained, { type: 'serial' })).toBe(true);
    expect(constraintsMayAllow(constrained, { type: 'serial', model: 'po-4' })).toBe(false);
    expect(constraintsMayAllow(constrained, { type: 'snap-build' })).toBe(false);
    expect(constraintsAllow(constrained, { type: 'serial' })).toBe(false);
  });
});
