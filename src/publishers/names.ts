import type { AccountId } from './accounts.ts';
import { PublisherError } from './errors.ts';

/** The grammar of snap names: a letter somewhere, no hyphen at either end, no two together, at most 40 characters. */
const SNAP_NAME = /^(?:[a-z0-9]+-?)*[a-z](?:-?[a-z0-9])*$/;
const MAX_NAME = 40;

/** Names that would be mistaken for a part of the system. */
const RESERVED = new Set([
  'airlock',
  'canonical',
  'root',
  'snap',
  'store',
  'system',
  'ubuntu',
  'ubuntu-core',
]);

/**
 * Reads a snap name.
 *
 * @throws PublisherError `invalid-field`
 */
export function parseSnapName(text: string): string {
  if (text.length >= 2 && text.length <= MAX_NAME && SNAP_NAME.test(text)) return text;
  const sentence = `cannot use the snap name "${text.slice(0, 80)}": it needs 2 to ${MAX_NAME} of a-z, 0-9 and single hyphens, with a letter`;
  throw new PublisherError('invalid', 'invalid-field', sentence);
}

/**
 * Decides on the registration of a name. The same name may exist once per authority, whichever store it is in.
 *
 * @param owner who holds the name now, if anybody
 * @throws PublisherError `invalid-field`, `reserved_name`, `already_owned` or `already_registered`
 */
export function checkNameRegistration(name: string, asking: AccountId, owner: string | undefined): void {
  parseSnapName(name);
  if (RESERVED.has(name))
    throw conflict('reserved_name', `cannot register the name "${name}": it is reserved`);
  if (owner === asking)
    throw conflict('already_owned', `cannot register the name "${name}": you own it already`);
  if (owner !== undefined) {
    throw conflict('already_registered', `cannot register the name "${name}": somebody else holds it`);
  }
}

function conflict(
  code: 'reserved_name' | 'already_owned' | 'already_registered',
  sentence: string,
): PublisherError {
  return new PublisherError('conflict', code, sentence);
}
