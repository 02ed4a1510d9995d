import { createHash } from 'node:crypto';

import { attenuationOf, checkInForce, type Attenuation } from './attenuation.ts';
import { formatCaveat, type Caveat } from './caveats.ts';
import { PublisherError } from './errors.ts';
import { decodeMacaroon, mintMacaroon, verifyMacaroon } from './macaroons.ts';

/** What a new credential shall be good for. Lists that are absent set no limit. */
export interface TokenRequest {
  readonly accountId: string;
  readonly sessionId: string;
  readonly validSince: Date;
  readonly expires: Date;
  readonly limits: readonly Caveat[];
}

/** A verified credential in force. */
export interface Token {
  readonly accountId: string;
  readonly sessionId: string;
  readonly attenuation: Attenuation;
}

/** Which of the authority's root keys made a token: tokens of a retired key end with it. */
export interface TokenKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

/**
 * Mints a credential. Account, session and time are always caveats, so that each credential ends by itself and can be
 * revoked by its session (protocol/publishers.md, section 11).
 *
 * @param location the host that the credential is for, shown to clients
 */
export function mintToken(request: TokenRequest, key: TokenKey, location: string): string {
  const caveats: Caveat[] = [
    { condition: 'account', id: request.accountId },
    { condition: 'session_id', id: request.sessionId },
    { condition: 'valid_since', at: request.validSince },
    { condition: 'expires', at: request.expires },
    ...request.limits,
  ];
  return mintMacaroon({
    rootKey: key.secret,
    identifier: `${key.id}/${request.sessionId}`,
    location,
    caveats: caveats.map(formatCaveat),
  });
}

/**
 * Verifies a credential and its time. Whether its session or account is revoked is the caller's to ask, on each use.
 *
 * @throws PublisherError `macaroon-malformed`, `macaroon-invalid`, `caveat-malformed` or `token-expired`
 */
export function verifyToken(text: string, keys: readonly TokenKey[], now: Date): Token {
  const { identifier } = decodeMacaroon(text);
  const key = keys.find(({ id }) => identifier.startsWith(`${id}/`));
  if (!key) throw invalid('it was not issued here, or with a key that is no longer in use');
  const verified = verifyMacaroon(text, key.secret);
  const attenuation = attenuationOf(verified.caveats);
  const { accountId, sessionId } = attenuation;
  if (accountId === undefined || sessionId === undefined) throw invalid('it names no account and session');
  checkInForce(attenuation, now);
  return { accountId, sessionId, attenuation };
}

/**
 * The digest by which a store's metadata names the one admin token that may be exchanged on the isolated host: hex
 * SHA3-384 of the token's text (the documented `internal.airgap.store.admin.macaroon-sha3-384`).
 */
export function tokenDigest(text: string): string {
  return createHash('sha3-384').update(text.trim()).digest('hex');
}

function invalid(why: string): PublisherError {
  return new PublisherError('unauthenticated', 'macaroon-invalid', `cannot accept the credential: ${why}`);
}
