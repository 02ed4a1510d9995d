import { usageError } from './errors.ts';

/** Bounds of an account-key as the APIs take them. */
export interface AskedBounds {
  readonly until?: string;
  readonly constraints?: readonly { readonly headers: Readonly<Record<string, string>> }[];
}

/** The options that bound an account-key, for commands that have one made. */
export const UNTIL = ['--until <time>', 'when the account-key ends, such as 2027-12-31T00:00:00Z'] as const;
export const CONSTRAINT = [
  '--constraint <headers>',
  'assertions that the key may sign: HEADER=PATTERN …, as in "type=serial model=model-.*"; again for an alternative',
] as const;

/** The option that puts a key in a policy although its account-key lacks bounds that were asked for. */
export const ACCEPT_WIDER = [
  '--accept-wider',
  'also a key whose account-key lacks an end or constraints that were asked for',
] as const;

/** Collects an option that is given several times. */
export function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Reads the options that bound an account-key. Throws a usage error. */
export function askedBounds({
  until,
  constraint = [],
}: {
  readonly until?: string | undefined;
  readonly constraint?: readonly string[] | undefined;
}): AskedBounds {
  if (until !== undefined && Number.isNaN(Date.parse(until)))
    throw usageError(`cannot read --until "${until}": write a time such as 2027-12-31T00:00:00Z`);
  return {
    ...(until !== undefined && { until }),
    ...(constraint.length > 0 && { constraints: constraint.map(readConstraint) }),
  };
}

/** `HEADER=PATTERN` pairs, parted by blanks: what the account-key has under `headers`. */
function readConstraint(text: string): { readonly headers: Readonly<Record<string, string>> } {
  const pairs = text.split(/\s+/).filter((pair) => pair !== '');
  const headers = new Map<string, string>();
  for (const pair of pairs) {
    const [, name = '', pattern = ''] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(pair) ?? [];
    if (name === '') throw usageError(unreadable(text, `"${pair}" is not HEADER=PATTERN`));
    if (headers.has(name)) throw usageError(unreadable(text, `it names "${name}" twice`));
    headers.set(name, pattern);
  }
  if (!headers.has('type'))
    throw usageError(unreadable(text, 'it does not name the type, as "type=serial" does'));
  return { headers: Object.fromEntries(headers) };
}

function unreadable(text: string, why: string): string {
  return `cannot read --constraint "${text}": ${why}`;
}
