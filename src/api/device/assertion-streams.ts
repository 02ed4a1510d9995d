import { z } from 'zod';
import type { AssertionQuestion } from './assertion-finder.ts';
import { notFound } from './http.ts';

/**
 * A stream of assertions that a device fetches after a refresh told it what is newer. The address itself says which
 * assertions, so that nothing has to be remembered; access is decided when it is fetched.
 */
const PREFIX = '/v2/assertion-streams/';

/** How many assertions one stream holds, and how long its address may be. */
const PER_STREAM = 24;
const ADDRESS_MAX = 6000;

const part = z.string().min(1).max(512);
const entry = z.union([
  z.tuple([part, z.array(part).max(8), z.int().min(0)]),
  z.tuple([part, z.array(part).max(8), z.int().min(0), z.int().min(1)]),
]);
const payload = z.array(entry).min(1).max(PER_STREAM);

type Entry = z.output<typeof entry>;

/** Addresses of streams that together hold the assertions. Every question must name its format and its sequence. */
export function streamAddresses(base: string, questions: readonly AssertionQuestion[]): string[] {
  const addresses: string[] = [];
  let group: Entry[] = [];
  const flush = (): void => {
    if (group.length > 0) addresses.push(`${base}${PREFIX}${encode(group)}`);
    group = [];
  };
  for (const question of questions) {
    const next = entryOf(question);
    if (group.length === PER_STREAM || (group.length > 0 && encode([...group, next]).length > ADDRESS_MAX))
      flush();
    group.push(next);
  }
  flush();
  return addresses;
}

function entryOf(question: AssertionQuestion): Entry {
  const { type, maxFormat = 0 } = question;
  if (!('sequenceKey' in question)) return [type, [...question.primaryKey], maxFormat];
  const { sequenceKey, sequence } = question;
  return sequence === 'latest'
    ? [type, [...sequenceKey], maxFormat, Number.MAX_SAFE_INTEGER]
    : [type, [...sequenceKey], maxFormat, sequence];
}

function encode(entries: readonly Entry[]): string {
  return Buffer.from(JSON.stringify(entries)).toString('base64url');
}

/** Reads what an address asks for. Throws `resource-not-found` for one that this store did not make. */
export function readStreamAddress(text: string): AssertionQuestion[] {
  if (text.length > 2 * ADDRESS_MAX) throw notFound('that assertion stream');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw notFound('that assertion stream');
  }
  const parsed = payload.safeParse(value);
  if (!parsed.success) throw notFound('that assertion stream');
  return parsed.data.map(([type, key, maxFormat, sequence]) =>
    sequence === undefined
      ? { type, primaryKey: key, maxFormat }
      : {
          type,
          sequenceKey: key,
          sequence: sequence === Number.MAX_SAFE_INTEGER ? 'latest' : sequence,
          maxFormat,
        },
  );
}
