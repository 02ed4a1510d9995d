import { beforeAll, describe, expect, it } from 'vitest';
import {
  combinedSource,
  completePrimaryKey,
  keyStanding,
  newestRevision,
  sourceOf,
  type Assertion,
  type HeaderValue,
} from '../../../src/assertions/index.ts';
import {
  accountKeyDraft,
  BRAND,
  MADE,
  makeWorld,
  signed,
  type AssertionWorld,
} from '../../support/assertion-world.ts';

describe('revisions', () => {
  let world: AssertionWorld;
  let revisions: readonly Assertion[];

  beforeAll(async () => {
    world = await makeWorld();
    const constraints = [{ headers: { type: 'serial' } }];
    revisions = [
      await keyOf({ revision: '1', constraints }),
      await keyOf({}),
      await keyOf({ revision: '3', constraints }),
      await keyOf({ revision: '2' }),
    ];
  });

  function keyOf(extra: { [name: string]: HeaderValue }): Promise<Assertion> {
    return signed(accountKeyDraft(BRAND, world.brand, extra), world.store);
  }

  it('are counted, and the newest one that a reader understands is given', () => {
    expect(newestRevision(revisions)?.revision).toBe(3);
    expect(newestRevision(revisions, 1)?.revision).toBe(3);
    expect(newestRevision(revisions, 0)?.revision).toBe(2);
    expect(newestRevision(revisions.slice(0, 1), 0)).toBeUndefined();
    expect(newestRevision([])).toBeUndefined();
  });

  it('of a source give way to newer ones, and so do those of several sources together', async () => {
    const find = (source: ReturnType<typeof sourceOf>) =>
      source.find('account-key', [world.brand.publicKey.keyId]);
    expect((await find(sourceOf(revisions)))?.revision).toBe(3);
    const [one, zero, three] = revisions.map((revision) => sourceOf([revision]));
    if (one === undefined || zero === undefined || three === undefined) return;
    expect((await find(combinedSource(three, zero)))?.revision).toBe(3);
    expect((await find(combinedSource(zero, one)))?.revision).toBe(1);
    expect(await find(combinedSource())).toBeUndefined();
    expect(await sourceOf(revisions).find('account', [BRAND])).toBeUndefined();
  });

  it('end a key: at "until", or at once when that is "since"', async () => {
    const standing = async (extra: { [name: string]: HeaderValue }, at: string): Promise<string> =>
      keyStanding(await keyOf(extra), new Date(at));
    expect(await standing({}, MADE)).toBe('valid');
    expect(await standing({}, '2023-12-31T23:59:59.999Z')).toBe('not-yet-valid');
    expect(await standing({ until: '2025-01-01T00:00:00Z' }, '2024-12-31T23:59:59.999Z')).toBe('valid');
    expect(await standing({ until: '2025-01-01T00:00:00Z' }, '2025-01-01T00:00:00Z')).toBe('expired');
    expect(await standing({ until: MADE }, MADE)).toBe('revoked');
  });
});

describe('primary keys', () => {
  it('can be given without their optional parts', () => {
    expect(completePrimaryKey('snap-revision', ['d'])).toEqual(['d', 'global-upload']);
    expect(completePrimaryKey('snap-revision', ['d', 'own'])).toEqual(['d', 'own']);
    expect(completePrimaryKey('model', ['16', 'acme', 'pi'])).toEqual(['16', 'acme', 'pi']);
  });

  it('must be neither too short, nor too long, nor empty in a part', () => {
    expect(completePrimaryKey('model', ['16', 'acme'])).toBeUndefined();
    expect(completePrimaryKey('model', ['16', 'acme', 'pi', 'x'])).toBeUndefined();
    expect(completePrimaryKey('model', ['16', '', 'pi'])).toBeUndefined();
    expect(completePrimaryKey('snap-revision', [])).toBeUndefined();
  });
});
