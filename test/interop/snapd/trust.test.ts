import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AssertionError,
  encodeStream,
  sourceOf,
  verifyBatch,
  verifyChain,
  type Assertion,
} from '../../../src/assertions/index.ts';
import {
  accountKeyDraft,
  BRAND,
  makeWorld,
  signed,
  type AssertionWorld,
} from '../../support/assertion-world.ts';
import { devicesim, reasonToSkip } from '../../support/devicesim.ts';
import { SnapdJudge } from '../../support/snapd-judge.ts';
import { trustScenarios, type TrustScenario } from './trust-scenarios.ts';

const SCENARIOS = 600;
const SEED = 42;

const sim = await devicesim();

describe.skipIf(sim.path === undefined)(
  `chains of trust beside the database of snapd${reasonToSkip(sim)}`,
  () => {
    let snapd: SnapdJudge;
    let world: AssertionWorld;

    beforeAll(async () => {
      snapd = new SnapdJudge(sim.path ?? '');
      world = await makeWorld();
    });
    afterAll(() => snapd.close());

    it('trusts and refuses the same assertions, with the same things known', async () => {
      const verdicts = { trusted: 0, refused: 0 };
      const disagreements: string[] = [];
      for (const scenario of fc.sample(trustScenarios(world), { seed: SEED, numRuns: SCENARIOS })) {
        const { assertion, known } = await play(world, scenario);
        const theirs = await snapd.trust(assertion.bytes, encodeStream(world.roots), encodeStream(known));
        // What snapd will not even know in the background cannot be asked about.
        if (theirs.stage === 'known') continue;
        const ours = await refusalOf(assertion, known, world.roots);
        verdicts[theirs.accepted ? 'trusted' : 'refused']++;
        if (theirs.accepted === (ours === undefined)) continue;
        const words = `snapd: ${theirs.error ?? 'trusts'}\nours: ${ours?.message ?? 'trust'}`;
        disagreements.push(`${words}\n${JSON.stringify(scenario)}`);
      }
      expect(disagreements).toEqual([]);
      // Both kinds must be there, or nothing was compared.
      expect(verdicts.trusted).toBeGreaterThan(SCENARIOS / 10);
      expect(verdicts.refused).toBeGreaterThan(SCENARIOS / 10);
    });
  },
);

async function play(
  world: AssertionWorld,
  { draft, signer, background, brandKey }: TrustScenario,
): Promise<{ assertion: Assertion; known: readonly Assertion[] }> {
  const changedKey = await signed(
    accountKeyDraft(BRAND, world.brand, { ...brandKey, revision: '1' }),
    world.store,
  );
  const known = [
    ...world.known.filter((one) => one !== world.brandKey),
    ...(await Promise.all(background.map((one) => signed(one.draft, world[one.signer])))),
  ];
  return { assertion: await signed(draft, world[signer]), known: [...known, changedKey] };
}

async function refusalOf(
  assertion: Assertion,
  known: readonly Assertion[],
  roots: readonly Assertion[],
): Promise<AssertionError | undefined> {
  const options = {
    source: sourceOf(known),
    trusted: sourceOf(roots),
    now: new Date(),
    sourceIsVerified: true,
  };
  try {
    await verifyBatch(known, { ...options, source: sourceOf([]), sourceIsVerified: false });
    await verifyChain(assertion, options);
    return undefined;
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}
