import { parseSnapName } from '../snaps/index.ts';
import type { AccountId } from './accounts.ts';
import { PublisherError } from './errors.ts';

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
 * Decides on the registration of a name. The same name may exist once per authority, whichever store it is in.
 *
 * @param owner who holds the name now, if anybody
 * @throws SnapError for what is no snap name; PublisherError `reserved_name`, `already_owned` or `already_registered`
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
