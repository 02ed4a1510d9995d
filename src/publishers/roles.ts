import { PublisherError } from './errors.ts';

/** What a person is in one store (protocol/operators.md, section 2.3). */
export const STORE_ROLES = ['admin', 'review', 'view', 'access'] as const;

/** A role by its id. */
export type StoreRole = (typeof STORE_ROLES)[number];

/** Role names for people. */
const ROLE_NAMES: Readonly<Record<StoreRole, string>> = {
  admin: 'Admin',
  review: 'Reviewer',
  view: 'Viewer',
  access: 'Publisher',
};

/** Everything that a store's people can ask of it. */
export type StoreAct =
  /** Users, roles, settings, models, signing keys, serial policies, export of the store's metadata. */
  | 'administer'
  /** Approve or reject revisions, edit snap-declarations. */
  | 'review'
  /** Read snaps and metadata, download, export snaps. */
  | 'view'
  /** Register names, upload, release. */
  | 'publish';

const ACTS: Readonly<Record<StoreRole, readonly StoreAct[]>> = {
  admin: ['administer', 'view'],
  review: ['review', 'view'],
  view: ['view'],
  access: ['publish'],
};

/** Whether a text names a role. */
export function isStoreRole(text: string): text is StoreRole {
  return STORE_ROLES.some((role) => role === text);
}

/** Whether one of the roles permits the act. */
export function rolesAllow(roles: readonly StoreRole[], act: StoreAct): boolean {
  return roles.some((role) => ACTS[role].includes(act));
}

/**
 * Refuses an act for which no role of the account is good; the sentence names the role to ask for.
 *
 * @throws PublisherError `role-required`
 */
export function checkRole(roles: readonly StoreRole[], act: StoreAct, storeId: string): void {
  if (rolesAllow(roles, act)) return;
  const able = STORE_ROLES.filter((role) => ACTS[role].includes(act)).map((role) => ROLE_NAMES[role]);
  throw new PublisherError(
    'forbidden',
    'role-required',
    `cannot ${act} in the store ${storeId}: the account needs the role ${able.join(' or ')} there`,
  );
}
