import { refKey, refWords, type Assertion, type AssertionRef } from '../assertion.ts';
import { AssertionError } from '../errors.ts';
import { rulesOf } from '../type-registry.ts';
import { combinedSource, sourceOf } from './revisions.ts';
import { Verifier, type TrustOptions } from './verifier.ts';

/** The assertions that must be known for this one to hold, without the key that signed it. */
export function prerequisitesOf(assertion: Assertion): readonly AssertionRef[] {
  return rulesOf(assertion.type).prerequisites?.(assertion) ?? [];
}

/** All that an assertion rests on directly: its prerequisites, and the account-key that signed it where one did. */
export function supportsOf(assertion: Assertion): readonly AssertionRef[] {
  if (assertion.authorityId === undefined) return prerequisitesOf(assertion);
  return [...prerequisitesOf(assertion), { type: 'account-key', primaryKey: [assertion.signKeyId] }];
}

/**
 * Verifies an assertion down to a trusted root: format, signing key and its account, validity and constraints of the key,
 * signature, timestamp, prerequisites, and the rules between assertions (protocol/devices.md 6.5).
 * @throws AssertionError
 */
export async function verifyChain(assertion: Assertion, options: TrustOptions): Promise<void> {
  await new Verifier(options).verify(assertion);
}

/**
 * Verifies assertions that come together and may rest on each other, all or nothing. Gives them in an order in which
 * each comes after all that it rests on, without repetitions.
 * @throws AssertionError, for the first one at fault
 */
export async function verifyBatch(
  assertions: readonly Assertion[],
  options: TrustOptions,
): Promise<readonly Assertion[]> {
  const batch = withoutRepetitions(assertions);
  const members = new Set(batch);
  const source = combinedSource(sourceOf(batch), options.source);
  const verifier = new Verifier({ ...options, source }, (assertion) => members.has(assertion));
  for (const assertion of batch) await verifier.verify(assertion);
  return inOrder(batch);
}

function withoutRepetitions(assertions: readonly Assertion[]): readonly Assertion[] {
  const byRevision = new Map<string, Assertion>();
  return assertions.filter((assertion) => {
    const key = `${refKey(assertion)}#${assertion.revision}#${assertion.format}`;
    // Types without a primary key name nothing, so two of them never repeat each other.
    const known = assertion.primaryKey.length === 0 ? undefined : byRevision.get(key);
    if (known === undefined) {
      byRevision.set(key, assertion);
      return true;
    }
    if (Buffer.compare(known.content, assertion.content) === 0) return false;
    throw new AssertionError(
      'assertion-conflict',
      `cannot take both assertions ${refWords(assertion)}: they have the same revision ${assertion.revision} and differ`,
    );
  });
}

/** Depth first along what each rests on; members of a circle (a root account and its key) come in the order given. */
function inOrder(batch: readonly Assertion[]): readonly Assertion[] {
  const byRef = new Map<string, Assertion[]>();
  for (const assertion of batch) {
    const key = refKey(assertion);
    byRef.set(key, [...(byRef.get(key) ?? []), assertion]);
  }
  const ordered = new Set<Assertion>();
  const visiting = new Set<Assertion>();
  const visit = (assertion: Assertion): void => {
    if (ordered.has(assertion) || visiting.has(assertion)) return;
    visiting.add(assertion);
    for (const ref of supportsOf(assertion)) for (const one of byRef.get(refKey(ref)) ?? []) visit(one);
    ordered.add(assertion);
  };
  for (const assertion of batch) visit(assertion);
  return [...ordered];
}
