import type { Queries } from '../../storage/index.ts';
import { type AssertionQuestion, findVisible } from './assertion-finder.ts';
import { streamAddresses } from './assertion-streams.ts';
import type { Visit } from './gate.ts';
import type { FetchAction, WantedAssertion } from './refresh-request.ts';

/** The answer to a fetch-assertions group: where the newer ones are, and which do not exist. */
export interface FetchResult {
  readonly result: 'fetch-assertions';
  readonly key: string;
  readonly 'assertion-stream-urls': readonly string[];
  readonly 'error-list'?: readonly unknown[];
}

/**
 * Looks for newer revisions of a group (protocol/devices.md 3.1). Every group is answered, with an empty list when
 * nothing is newer: a group that is left out stays unresolved on the device.
 */
export async function fetchAssertions(
  queries: Queries,
  visit: Visit,
  action: FetchAction,
  maxFormats: Readonly<Record<string, number>>,
): Promise<FetchResult> {
  const newer: AssertionQuestion[] = [];
  const errors: unknown[] = [];
  for (const wanted of action.assertions) {
    const maxFormat = Object.hasOwn(maxFormats, wanted.type) ? (maxFormats[wanted.type] ?? 0) : 0;
    const answer = await look(queries, visit, wanted, maxFormat);
    if (answer === 'absent') errors.push(absence(wanted));
    else if (answer !== 'unchanged') newer.push(answer);
  }
  return {
    result: 'fetch-assertions',
    key: action.key,
    'assertion-stream-urls': streamAddresses(visit.base, newer),
    ...(errors.length > 0 && { 'error-list': errors }),
  };
}

async function look(
  queries: Queries,
  visit: Visit,
  wanted: WantedAssertion,
  maxFormat: number,
): Promise<AssertionQuestion | 'unchanged' | 'absent'> {
  const { type } = wanted;
  const sequenceKey = wanted['sequence-key'];
  const ifNewerThan = wanted['if-newer-than'];
  if (sequenceKey === undefined || sequenceKey === null) {
    const question = { type, primaryKey: wanted['primary-key'] ?? [], maxFormat };
    const kept = await findVisible(queries, visit, question);
    if (kept === undefined) return 'absent';
    return isNewer(kept.revision, ifNewerThan) ? question : 'unchanged';
  }
  const pinned = wanted.sequence ?? 0;
  const question = { type, sequenceKey, sequence: pinned > 0 ? pinned : ('latest' as const), maxFormat };
  const kept = await findVisible(queries, visit, question);
  if (kept === undefined || kept.sequence === null) return 'absent';
  const known = pinned > 0 ? pinned : wanted['if-sequence-equal-or-newer-than'];
  if (known !== undefined && known !== null) {
    if (kept.sequence < known) return 'unchanged';
    if (kept.sequence === known && !isNewer(kept.revision, ifNewerThan)) return 'unchanged';
  }
  // The very member that was compared: the sequence may go on before the device fetches it.
  return { ...question, sequence: kept.sequence };
}

function isNewer(revision: number, than: number | null | undefined): boolean {
  return than === undefined || than === null || revision > than;
}

function absence(wanted: WantedAssertion): unknown {
  const key =
    wanted['sequence-key'] === undefined || wanted['sequence-key'] === null
      ? { 'primary-key': wanted['primary-key'] ?? [] }
      : { 'sequence-key': wanted['sequence-key'] };
  return {
    code: 'not-found',
    message: `cannot find the ${wanted.type} assertion`,
    type: wanted.type,
    ...key,
  };
}
