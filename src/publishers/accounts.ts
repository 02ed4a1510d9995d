import { PublisherError } from './errors.ts';

/** An account id: 32 letters and digits, or a short readable one as brands have. */
export type AccountId = string & { readonly __brand: 'AccountId' };

/** A person or company that publishes, brands or administers. */
export interface Account {
  readonly id: AccountId;
  /** Short unique name, as in `--publisher` columns. */
  readonly username: string;
  readonly displayName: string;
  readonly email: string;
  readonly validation: AccountValidation;
}

/** How far the authority vouches for who is behind an account. */
export type AccountValidation = 'unproven' | 'starred' | 'verified';

const VALIDATIONS: readonly AccountValidation[] = ['unproven', 'starred', 'verified'];
/** The grammar that snapd applies to `account-id` headers. */
const ACCOUNT_ID = /^(?:[a-zA-Z0-9]{32}|[-a-z0-9]{2,28})$/;
const USERNAME = /^[a-z0-9](?:-?[a-z0-9])*$/;
const MAX_USERNAME = 28;
const EMAIL = /^[^\s@<>"]{1,64}@[^\s@<>"]{1,189}$/;
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 32;

/**
 * Reads an account id.
 *
 * @throws PublisherError `invalid-field`
 */
export function parseAccountId(text: string): AccountId {
  if (isAccountId(text)) return text;
  throw invalid(
    `cannot use the account id "${text}": it needs 32 letters and digits, or 2 to 28 of a-z, 0-9 and -`,
  );
}

/** Whether a text is a well-formed account id. */
export function isAccountId(text: string): text is AccountId {
  return ACCOUNT_ID.test(text);
}

/**
 * Makes an id of 32 letters and digits from random bytes; bytes past the last whole multiple of the alphabet are
 * skipped, so that each letter is equally likely. Snap ids and store ids have the same form.
 *
 * @param random at least 64 random bytes
 */
export function idFrom(random: Uint8Array): string {
  const limit = 256 - (256 % ID_ALPHABET.length);
  const letters = [...random]
    .filter((byte) => byte < limit)
    .map((byte) => ID_ALPHABET.charAt(byte % ID_ALPHABET.length));
  if (letters.length < ID_LENGTH) throw new RangeError('too few random bytes for an id');
  return letters.slice(0, ID_LENGTH).join('');
}

/**
 * Checks what an operator says about a new account.
 *
 * @throws PublisherError `invalid-field` that names the field
 */
export function checkAccount(draft: {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string;
  readonly validation: string;
}): Account {
  const { username, displayName } = draft;
  const id = parseAccountId(draft.id);
  if (!USERNAME.test(username) || username.length > MAX_USERNAME) {
    throw invalid(
      `cannot use the username "${username}": it needs 1 to ${MAX_USERNAME} of a-z, 0-9 and single hyphens`,
    );
  }
  if (displayName.trim() === '' || displayName.length > 128 || /[\r\n]/.test(displayName)) {
    throw invalid('cannot use the display name: it needs 1 to 128 characters on one line');
  }
  const validation = VALIDATIONS.find((known) => known === draft.validation);
  if (!validation) {
    throw invalid(`cannot use the validation "${draft.validation}": it is one of ${VALIDATIONS.join(', ')}`);
  }
  return { id, username, displayName, email: parseEmail(draft.email), validation };
}

/**
 * Reads an e-mail address, in lower case: it is a log-in name, and nobody knows how they once typed it.
 *
 * @throws PublisherError `invalid-field`
 */
function parseEmail(text: string): string {
  if (EMAIL.test(text)) return text.toLowerCase();
  throw invalid(`cannot use the e-mail address "${text.slice(0, 80)}": it has no NAME@HOST form`);
}

function invalid(sentence: string): PublisherError {
  return new PublisherError('invalid', 'invalid-field', sentence);
}
