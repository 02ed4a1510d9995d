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
import { SnapdJudge } from '../../support/snapd-judge.ts';
import { brandDrafts } from './brand-drafts.ts';
import type { GeneratedDraft } from './draft-parts.ts';
import { journeyDrafts, serialRequestDrafts } from './journey-drafts.ts';
import { changedBytes, sometimesChanged } from './mutations.ts';

const SEED = 20_260_821;
const PER_TYPE = 110;
const CHANGED_BYTES = 1500;

const sim = await devicesim();
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const signer = softwareSigner(createPrivateKey(pem));
const keys = [2048, 3072, 1032].map((modulusLength) => {
  const pair = generateKeyPairSync('rsa', { modulusLength });
  return publicKeyFromJwk(pair.publicKey.export({ format: 'jwk' }));
});
const drafts = { ...journeyDrafts(keys), 'serial-request': serialRequestDrafts(signer.publicKey), ...brandDrafts };

describe.skipIf(sim.path === undefined)(`assertions beside snapd itself${reasonToSkip(sim)}`, () => {
  let snapd: SnapdJudge;
  const accepted: Assertion[] = [];

  beforeAll(() => {
    snapd = new SnapdJudge(sim.path ?? '');
  });
  afterAll(() => snapd.close());

  it.each(Object.entries(drafts))('signs the same bytes of a %s, and refuses the same drafts', async (type, arbitrary) => {
    const sample = fc.sample(sometimesChanged(arbitrary), { seed: SEED, numRuns: PER_TYPE });
    const verdicts = { accepted: 0, refused: 0 };
    for (const draft of sample) {
      const theirs = await snapd.sign(pem, withDefaults(draft));
      const ours = await sign(draft);
      const about = `${JSON.stringify(draft)}\nsnapd: ${theirs.error ?? 'accepts'}\nours: ${wordsOf(ours)}`;
      expect(!(ours instanceof AssertionError), about).toBe(theirs.accepted);
      if (ours instanceof AssertionError) {
        verdicts.refused++;
        continue;
      }
      verdicts.accepted++;
      accepted.push(ours);
      const encoded = decodeAssertion(Buffer.from(theirs.encoded ?? '', 'base64'));
      expect(Buffer.from(ours.content).toString(), about).toBe(Buffer.from(encoded.content).toString());
      expect(() => verifySignature(encoded, signer.publicKey), about).not.toThrow();
      const judged = await snapd.decode(ours.bytes, signer.publicKey.encoded);
      expect(judged, about).toMatchObject({ accepted: true, headers: ours.headers });
      expect(Buffer.from(judged.encoded ?? '', 'base64').equals(ours.bytes)).toBe(true);
    }
    expect(verdicts.accepted, `${type}: ${JSON.stringify(verdicts)}`).toBeGreaterThan(PER_TYPE / 20);
    expect(verdicts.refused, `${type}: ${JSON.stringify(verdicts)}`).toBeGreaterThan(0);
  });

  it('accepts and refuses the same changed bytes, signatures included', async () => {
    const originals = accepted.filter((_, at) => at % Math.ceil(accepted.length / CHANGED_BYTES) === 0);
    const sample = fc.sample(
      fc.nat(originals.length - 1).chain((at) => changedBytes(originals[at]?.bytes ?? new Uint8Array())),
      { seed: SEED, numRuns: CHANGED_BYTES },
    );
    for (const bytes of sample) {
      const theirs = await snapd.decode(bytes, signer.publicKey.encoded);
      const ours = judge(() => verifySignature(decodeAssertion(bytes), signer.publicKey));
      const about = `${JSON.stringify(Buffer.from(bytes).toString())}\nsnapd: ${theirs.error ?? 'accepts'}\nours: ${wordsOf(ours)}`;
      expect(!(ours instanceof AssertionError), about).toBe(theirs.accepted);
    }
  });

  it('reads and refuses the same streams', async () => {
    const streams = Array.from({ length: 300 }, (_, at) => encodeStream(accepted.slice(at * 3, at * 3 + 3)));
    const changed = fc.sample(
      fc.nat(streams.length - 1).chain((at) => changedBytes(streams[at] ?? new Uint8Array())),
      { seed: SEED, numRuns: 600 },
    );
    for (const bytes of [...streams, ...changed]) {
      const theirs = await snapd.stream(bytes);
      const ours = judge(() => decodeStream(bytes));
      const about = `${JSON.stringify(Buffer.from(bytes).toString())}\nsnapd: ${theirs.error ?? 'accepts'}\nours: ${wordsOf(ours)}`;
      expect(!(ours instanceof AssertionError), about).toBe(theirs.accepted);
      if (Array.isArray(ours)) expect(ours.length).toBe(theirs.count ?? 0);
    }
  });

  it('covers at least 2,000 assertions', () => {
    expect(accepted.length + CHANGED_BYTES).toBeGreaterThan(2000);
  });
});

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

function judge<Result>(act: () => Result): Result | AssertionError {
  try {
    return act();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}

function wordsOf(outcome: unknown): string {
  return outcome instanceof AssertionError ? outcome.message : 'accepts';
}
