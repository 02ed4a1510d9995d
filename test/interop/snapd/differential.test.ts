import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ASSERTION_TYPES,
  AssertionError,
  decodeAssertion,
  decodeStream,
  encodeStream,
  isAssertionTypeName,
  publicKeyFromJwk,
  signAssertion,
  softwareSigner,
  verifySignature,
  type Assertion,
  type AssertionTypeName,
} from '../../../src/assertions/index.ts';
import { devicesim, reasonToSkip } from '../../support/devicesim.ts';
import { SnapdJudge, type Judgement } from '../../support/snapd-judge.ts';
import { brandDrafts } from './brand-drafts.ts';
import type { GeneratedDraft } from './draft-parts.ts';
import { journeyDrafts, serialRequestDrafts } from './journey-drafts.ts';
import { changedBytes, sometimesChanged } from './mutations.ts';

const SEED = 20_260_821;
const PER_TYPE = 110;
const CHANGED_ASSERTIONS = 1500;
const CHANGED_STREAMS = 600;

const sim = await devicesim();

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const signer = softwareSigner(createPrivateKey(pem));
const keys = [2048, 3072, 1032].map((modulusLength) => {
  const pair = generateKeyPairSync('rsa', { modulusLength });
  return publicKeyFromJwk(pair.publicKey.export({ format: 'jwk' }));
});
const drafts = {
  ...journeyDrafts(keys),
  'serial-request': serialRequestDrafts(signer.publicKey),
  ...brandDrafts,
};

/** What one side says of an assertion, and how the other differs; empty where they agree. */
type Disagreements = readonly string[];

describe.skipIf(sim.path === undefined)(`assertions beside snapd itself${reasonToSkip(sim)}`, () => {
  let snapd: SnapdJudge;
  const accepted: Assertion[] = [];

  beforeAll(() => {
    snapd = new SnapdJudge(sim.path ?? '');
  });
  afterAll(() => snapd.close());

  it.each(Object.entries(drafts))(
    'signs the same bytes of a %s, and refuses the same drafts',
    async (_, arbitrary) => {
      const sample = fc.sample(sometimesChanged(arbitrary), { seed: SEED, numRuns: PER_TYPE });
      const disagreements: string[] = [];
      const made: Assertion[] = [];
      for (const draft of sample) {
        const theirs = await snapd.sign(pem, withDefaults(draft));
        const ours = await sign(draft);
        disagreements.push(...differing(theirs, ours, JSON.stringify(draft)));
        if (ours instanceof AssertionError || !theirs.accepted) continue;
        made.push(ours);
        disagreements.push(...(await differingInDetail(theirs, ours)));
      }
      expect(disagreements).toEqual([]);
      // Both kinds must be there, or nothing was compared.
      expect(made.length).toBeGreaterThan(PER_TYPE / 20);
      expect(made.length).toBeLessThan(PER_TYPE);
      accepted.push(...made);
    },
  );

  /** Theirs decodes here to the same content and verifies; ours decodes there to the same headers and bytes. */
  async function differingInDetail(theirs: Judgement, ours: Assertion): Promise<Disagreements> {
    const decoded = decodeAssertion(Buffer.from(theirs.encoded ?? '', 'base64'));
    const judged = await snapd.decode(ours.bytes, signer.publicKey.encoded);
    const verified = outcomeOf(() => verifySignature(decoded, signer.publicKey));
    const about = textOf(ours.bytes);
    return [
      ...(Buffer.compare(ours.content, decoded.content) === 0
        ? []
        : [`other bytes than\n${textOf(decoded.content)}\n${about}`]),
      ...(verified instanceof AssertionError ? [`${verified.message}\n${about}`] : []),
      ...(judged.accepted ? [] : [`snapd refuses ours: ${judged.error}\n${about}`]),
      ...(judged.encoded === Buffer.from(ours.bytes).toString('base64')
        ? []
        : [`snapd encodes ours otherwise\n${about}`]),
      ...(sorted(judged.headers) === sorted(ours.headers) ? [] : [`snapd reads other headers\n${about}`]),
    ];
  }

  it('accepts and refuses the same changed bytes, signatures included', async () => {
    const originals = accepted.filter((_, at) => at % Math.ceil(accepted.length / CHANGED_ASSERTIONS) === 0);
    const disagreements: string[] = [];
    for (const bytes of changedOf(
      originals.map((one) => one.bytes),
      CHANGED_ASSERTIONS,
    )) {
      const theirs = await snapd.decode(bytes, signer.publicKey.encoded);
      const ours = outcomeOf(() => verifySignature(decodeAssertion(bytes), signer.publicKey));
      disagreements.push(...differing(theirs, ours, textOf(bytes)));
    }
    expect(disagreements).toEqual([]);
  });

  it('reads and refuses the same streams', async () => {
    const streams = Array.from({ length: 300 }, (_, at) => encodeStream(accepted.slice(at * 3, at * 3 + 3)));
    const disagreements: string[] = [];
    for (const bytes of [...streams, ...changedOf(streams, CHANGED_STREAMS)]) {
      const theirs = await snapd.stream(bytes);
      const ours = outcomeOf(() => decodeStream(bytes));
      disagreements.push(...differing(theirs, ours, textOf(bytes)));
      if (Array.isArray(ours) && ours.length !== (theirs.count ?? 0)) disagreements.push(textOf(bytes));
    }
    expect(disagreements).toEqual([]);
  });

  it('covers at least 2,000 assertions', () => {
    expect(accepted.length + CHANGED_ASSERTIONS).toBeGreaterThan(2000);
  });
});

function differing(theirs: Judgement, ours: unknown, about: string): Disagreements {
  const refusal = ours instanceof AssertionError ? ours.message : undefined;
  if (theirs.accepted === (refusal === undefined)) return [];
  return [`snapd: ${theirs.error ?? 'accepts'}\nours: ${refusal ?? 'accept'}\n${about}`];
}

function changedOf(originals: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  const changed = fc.constantFrom(...originals).chain(changedBytes);
  return fc.sample(changed, { seed: SEED, numRuns: count });
}

async function sign({ type, headers, body }: GeneratedDraft): Promise<Assertion | AssertionError> {
  try {
    const draft = { type: typeNameOf(type), headers, ...(body !== undefined && { body }) };
    return await signAssertion(draft, signer, new Date('2026-01-02T03:04:05Z'));
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}

/** snapd writes a default provenance out unless it is given; stores leave it out always, and so do we. */
function withDefaults(draft: GeneratedDraft): GeneratedDraft {
  const { optionalPrimaryKeyDefaults } = ASSERTION_TYPES[typeNameOf(draft.type)];
  return { ...draft, headers: { ...optionalPrimaryKeyDefaults, ...draft.headers } };
}

function typeNameOf(type: string): AssertionTypeName {
  if (!isAssertionTypeName(type)) throw new Error(`${type} is not a type`);
  return type;
}

function outcomeOf<Result>(act: () => Result): Result | AssertionError {
  try {
    return act();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}

function textOf(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString());
}

/** JSON with the names of every object in order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
