import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  refKey,
  sourceOf,
  supportsOf,
  verifyBatch,
  type Assertion,
  type TrustOptions,
} from '../../../src/assertions/index.ts';
import {
  accountKeyDraft,
  BRAND,
  MADE,
  makeWorld,
  signed,
  type AssertionWorld,
} from '../../support/assertion-world.ts';

const NOW = new Date('2024-06-01T00:00:00Z');

describe('a batch of assertions', () => {
  let world: AssertionWorld;
  let model: Assertion;

  beforeAll(async () => {
    world = await makeWorld();
    const headers = {
      'authority-id': BRAND,
      series: '16',
      'brand-id': BRAND,
      model: 'pi',
      classic: 'true',
      timestamp: MADE,
    };
    model = await signed({ type: 'model', headers }, world.brand);
  });

  function options(known: readonly Assertion[] = []): TrustOptions {
    return { source: sourceOf(known), trusted: sourceOf(world.roots), now: NOW, sourceIsVerified: true };
  }

  it('is put into an order in which each comes after what it rests on', async () => {
    const all = [...world.roots, ...world.known, model];
    const shuffled = fc.shuffledSubarray(all, { minLength: all.length });
    await fc.assert(
      fc.asyncProperty(shuffled, async (batch) => {
        const ordered = await verifyBatch(batch, options());
        expect(new Set(ordered)).toEqual(new Set(all));
        const seen = new Set<string>();
        for (const assertion of ordered) {
          if (!world.roots.includes(assertion)) {
            const unseen = supportsOf(assertion).filter((ref) => !seen.has(refKey(ref)));
            expect(unseen.filter((ref) => all.some((one) => refKey(one) === refKey(ref)))).toEqual([]);
          }
          seen.add(refKey(assertion));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('may rest on what is known already', async () => {
    expect(await verifyBatch([model], options(world.known))).toEqual([model]);
    await expect(verifyBatch([model], options())).rejects.toThrow(
      expect.objectContaining({ code: 'key-unknown' }),
    );
  });

  it('is refused whole for one member', async () => {
    const stranger = await makeWorld();
    const foreign = await signed(accountKeyDraft(BRAND, stranger.device, { name: 'new' }), stranger.store);
    await expect(verifyBatch([...world.known, foreign, model], options())).rejects.toThrow(
      expect.objectContaining({ code: 'key-unknown' }),
    );
  });

  it('is verified even where all that was known before is taken as verified', async () => {
    const changed = {
      ...model,
      content: Buffer.from(Buffer.from(model.content).toString().replace('pi', 'po')),
    };
    await expect(verifyBatch([...world.known, changed], options())).rejects.toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    );
  });

  it('counts the newest revision of a key, in it or known', async () => {
    const revoked = await signed(
      accountKeyDraft(BRAND, world.brand, { revision: '1', until: MADE }),
      world.store,
    );
    const inBatch = verifyBatch([...world.known, model, revoked], options());
    await expect(inBatch).rejects.toThrow(expect.objectContaining({ code: 'key-revoked' }));
    const known = verifyBatch([...world.known, model], options([revoked]));
    await expect(known).rejects.toThrow(expect.objectContaining({ code: 'key-revoked' }));
    expect(await verifyBatch([...world.known, revoked], options())).toContain(revoked);
  });

  it('drops repetitions, and refuses two that differ under one revision', async () => {
    expect(await verifyBatch([model, model], options(world.known))).toEqual([model]);
    const other = await signed(
      { type: 'model', headers: { ...model.headers, 'display-name': 'Pi', 'sign-key-sha3-384': '' } },
      world.brand,
    );
    await expect(verifyBatch([model, other], options(world.known))).rejects.toThrow(
      expect.objectContaining({ code: 'assertion-conflict', kind: 'conflict' }),
    );
  });

  it('may be empty', async () => {
    expect(await verifyBatch([], options())).toEqual([]);
  });
});
