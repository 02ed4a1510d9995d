import { parseCaveat, type Caveat } from './caveats.ts';
import { channelMatches } from './channel-patterns.ts';
import { PublisherError } from './errors.ts';
import { covers, type Permission } from './permissions.ts';

/** Everything that the caveats of one credential limit it to; a list of lists means that each list must be met. */
export interface Attenuation {
  readonly caveats: readonly Caveat[];
  /** The account that the credential speaks for, when it says one. */
  readonly accountId: string | undefined;
  /** The session under which the credential can be revoked. */
  readonly sessionId: string | undefined;
  /** The earliest of all stated ends. */
  readonly expires: Date | undefined;
}

/** A snap as a credential can name it. */
export interface SnapReference {
  readonly name: string;
  readonly id: string | undefined;
}

/**
 * Reads the caveats of a verified macaroon. Two caveats that name different accounts or sessions contradict each
 * other, and the credential is refused.
 *
 * @throws PublisherError `caveat-malformed`
 */
export function attenuationOf(texts: readonly string[]): Attenuation {
  const caveats = texts.map(parseCaveat);
  const expires = caveats.flatMap((caveat) => (caveat.condition === 'expires' ? [caveat.at.getTime()] : []));
  return {
    caveats,
    accountId: single(caveats, 'account'),
    sessionId: single(caveats, 'session_id'),
    expires: expires.length > 0 ? new Date(Math.min(...expires)) : undefined,
  };
}

/**
 * Refuses a credential outside its time: in force from `valid_since` on, and before `expires`.
 *
 * @throws PublisherError `token-expired`
 */
export function checkInForce(attenuation: Attenuation, now: Date): void {
  for (const caveat of attenuation.caveats) {
    if (caveat.condition === 'expires' && now >= caveat.at) throw outOfForce('it has expired; log in again');
    if (caveat.condition === 'valid_since' && now < caveat.at)
      throw outOfForce('it is not valid yet; check the clocks of this host and of the one that issued it');
  }
}

/**
 * Refuses a credential that lacks a permission. A credential with no `acl` caveat holds all of them.
 *
 * @throws PublisherError `macaroon-permission-required`
 */
export function checkPermission(attenuation: Attenuation, needed: Permission): void {
  if (!grants(attenuation, needed)) throw notPermitted(`the credential lacks the permission ${needed}`);
}

/** Whether a credential holds a permission: each of its `acl` caveats must grant it. */
export function grants(attenuation: Attenuation, needed: Permission): boolean {
  return attenuation.caveats.every(
    (caveat) => caveat.condition !== 'acl' || covers(new Set(caveat.permissions), needed),
  );
}

/**
 * Refuses a credential that is limited to other snaps.
 *
 * @throws PublisherError `macaroon-permission-required`
 */
export function checkSnap(attenuation: Attenuation, snap: SnapReference): void {
  if (!seesSnap(attenuation, snap)) throw notPermitted(`the credential is not for the snap ${snap.name}`);
}

/** Whether a credential is good for a snap: each `package` and each `package_id` caveat must name it. */
export function seesSnap(attenuation: Attenuation, snap: SnapReference): boolean {
  return attenuation.caveats.every((caveat) => {
    if (caveat.condition === 'package') return caveat.names.includes(snap.name);
    if (caveat.condition === 'package_id') return snap.id !== undefined && caveat.ids.includes(snap.id);
    return true;
  });
}

/**
 * Refuses a credential that is limited to other channels.
 *
 * @throws PublisherError `macaroon-permission-required`
 */
export function checkChannel(attenuation: Attenuation, channel: string): void {
  for (const caveat of attenuation.caveats) {
    if (caveat.condition !== 'channel') continue;
    if (!caveat.patterns.some((pattern) => channelMatches(pattern, channel))) {
      throw notPermitted(`the credential is not for the channel ${channel}`);
    }
  }
}

/**
 * Refuses a credential that is limited to other stores.
 *
 * @throws PublisherError `macaroon-permission-required`
 */
export function checkStore(attenuation: Attenuation, storeId: string): void {
  for (const caveat of attenuation.caveats) {
    if (caveat.condition === 'store_ids' && !caveat.ids.includes(storeId)) {
      throw notPermitted(`the credential is not for the store ${storeId}`);
    }
  }
}

function single(caveats: readonly Caveat[], condition: 'account' | 'session_id'): string | undefined {
  const ids = new Set(caveats.flatMap((caveat) => (caveat.condition === condition ? [caveat.id] : [])));
  if (ids.size > 1) {
    throw new PublisherError(
      'unauthenticated',
      'macaroon-invalid',
      `cannot accept a macaroon with two ${condition} caveats`,
    );
  }
  return [...ids][0];
}

function outOfForce(why: string): PublisherError {
  return new PublisherError('unauthenticated', 'token-expired', `cannot accept the credential: ${why}`);
}

function notPermitted(why: string): PublisherError {
  return new PublisherError('forbidden', 'macaroon-permission-required', `cannot do this: ${why}`);
}
