import { isWithinBounds, type KeyBounds } from '../assertions/index.ts';
import { PublisherError } from './errors.ts';

/** The facts of an account-key-request whose own signature was verified. */
export interface KeyRequest {
  readonly accountId: string;
  readonly name: string;
  readonly keyId: string;
  readonly since: Date;
  readonly until: Date | undefined;
}

/** A key that is registered already. */
export interface RegisteredKey {
  readonly accountId: string;
  readonly name: string;
  readonly keyId: string;
  readonly until: Date | undefined;
  readonly revoked: boolean;
}

/** `register`: a new key; `known`: the same key of the same account under the same name, so the answer repeats. */
export type KeyDecision = 'register' | 'known';

const KEY_NAME = /^[a-z](?:-?[a-z0-9])*$/;
const MAX_KEY_NAME = 128;
/** How far the clocks of a publisher and the authority may be apart. */
const CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

/**
 * Decides on the registration of an account key: it must be the asking account's own, its name free among the
 * account's live keys, and the key itself unknown (protocol/publishers.md, section 5.2).
 *
 * @param registered every key with that key id, and every live key of the account
 * @throws PublisherError `resource-forbidden`, `invalid-field` or `key-conflict`
 */
export function decideKeyRegistration(
  request: KeyRequest,
  asking: string,
  registered: readonly RegisteredKey[],
  now: Date,
): KeyDecision {
  if (request.accountId !== asking) {
    throw new PublisherError(
      'forbidden',
      'resource-forbidden',
      `cannot register a key for the account ${request.accountId}: you are ${asking}`,
    );
  }
  if (!KEY_NAME.test(request.name) || request.name.length > MAX_KEY_NAME) {
    throw invalid(
      `the key name "${request.name}" needs a lower-case letter first, then a-z, 0-9 and single hyphens`,
    );
  }
  if (request.since.getTime() > now.getTime() + CLOCK_SKEW_MS)
    throw invalid('its "since" lies in the future');
  if (request.until && request.until <= now) throw invalid('its "until" has passed');
  return compare(request, registered, now);
}

/**
 * The bounds of an account-key: those of its request, or narrower ones of the authority, which may take from what was asked for and
 * not add to it.
 *
 * @throws PublisherError `invalid-field`
 */
export function narrowedBounds(asked: KeyBounds, narrower: KeyBounds = {}): KeyBounds {
  const bounds = { ...asked, ...narrower };
  if (!isWithinBounds({ until: bounds.until }, { until: asked.until }))
    throw invalid(`the key would outlive its request, which ends it at ${asked.until ?? ''}`);
  if (!isWithinBounds({ constraints: bounds.constraints }, { constraints: asked.constraints }))
    throw invalid(
      'the constraints may let the key sign more than its request asks for; keep its patterns, or write plain texts that fit them',
    );
  return bounds;
}

function compare(request: KeyRequest, registered: readonly RegisteredKey[], now: Date): KeyDecision {
  const same = registered.find((key) => key.keyId === request.keyId);
  if (same) {
    if (same.accountId !== request.accountId) throw taken('the key is registered to another account');
    if (same.revoked) throw taken('the key was revoked; make a new one');
    if (same.name !== request.name) throw taken(`the key is registered under the name "${same.name}"`);
    return 'known';
  }
  const named = registered.find(
    (key) => key.accountId === request.accountId && key.name === request.name && isLive(key, now),
  );
  if (named)
    throw taken(`the account has another key named "${request.name}"; choose a new name or revoke that key`);
  return 'register';
}

function isLive(key: RegisteredKey, now: Date): boolean {
  return !key.revoked && (key.until === undefined || key.until > now);
}

function invalid(why: string): PublisherError {
  return new PublisherError('invalid', 'invalid-field', `cannot accept the account-key-request: ${why}`);
}

function taken(why: string): PublisherError {
  return new PublisherError('conflict', 'key-conflict', `cannot register the key: ${why}`);
}
