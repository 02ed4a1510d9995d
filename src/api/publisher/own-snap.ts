import { checkSnap, PublisherError, type Permission, checkPermission } from '../../publishers/index.ts';
import { findSnap, type RegisteredSnap } from '../../storage/authority/index.ts';
import type { Caller } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';

/**
 * The snap that a publisher names, if the credential and the account may do with it what is asked. A snap of somebody
 * else is not told apart from one that is not there.
 *
 * @throws PublisherError `macaroon-permission-required` or `resource-not-found`
 */
export async function ownSnap(
  deps: PublisherApiDeps,
  caller: Caller,
  reference: string,
  permission: Permission,
): Promise<RegisteredSnap> {
  checkPermission(caller.attenuation, permission);
  const snap = await findSnap(deps.database.queries, reference).catch(() => undefined);
  if (!snap || snap.publisherId !== caller.accountId) {
    const sentence = `cannot find the snap "${reference.slice(0, 80)}" among those of this account: register its name first`;
    throw new PublisherError('not-found', 'resource-not-found', sentence);
  }
  checkSnap(caller.attenuation, { name: snap.name, id: snap.snapId });
  return snap;
}
