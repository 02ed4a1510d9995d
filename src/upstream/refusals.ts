import { jsonOf, refusalSchema } from './answers.ts';
import { UpstreamError } from './errors.ts';

/** What an account and its log-in must have for an act (seed 000). */
export interface Need {
  readonly role: 'Viewer' | 'Admin';
  readonly permission: 'package_access' | 'store_admin';
}

/** Snaps of a store. */
export const TO_VIEW: Need = { role: 'Viewer', permission: 'package_access' };
/** A store's metadata. */
export const TO_ADMINISTER: Need = { role: 'Admin', permission: 'store_admin' };

/** Why another store refused, in its own words; undefined when it is one that does not say so in a way that we read. */
export async function refusalOf(
  response: Response,
): Promise<{ readonly code: string; readonly message: string } | undefined> {
  // One that is too long to read says nothing that we know, either.
  const said = refusalSchema.safeParse(await jsonOf(response).catch(() => undefined));
  return said.success ? said.data['error-list'][0] : undefined;
}

/**
 * Of a log-in that is good and not good enough: an authority of ours tells which of the two is missing.
 * @param act what was tried: `fetch my-app`
 * @param code what the other store called it
 */
export function roleMissing(
  act: string,
  code: string | undefined,
  { role, permission }: Need,
  store: string | undefined,
): UpstreamError {
  const place = store === undefined ? '' : ` in the store ${store}`;
  const lacks = {
    role: `the account of the login file lacks the role ${role}${place}`,
    permission: `the login lacks the permission ${permission}`,
  };
  const why =
    code === 'role-required'
      ? lacks.role
      : code === 'macaroon-permission-required'
        ? `${lacks.permission}, or is for other stores or snaps; export it again, as somebody with the role ${role}${place}`
        : `${lacks.role}, or ${lacks.permission}`;
  return new UpstreamError('role-missing', `cannot ${act}: ${why}`);
}

/**
 * What is missing where an authority of ours knows the account and shows it no store of that name. Whether there is one, it tells
 * nobody who has no role there; the sentence names the role in either case.
 */
export function storeNotSeen(url: string, store: string, { role, permission }: Need): string {
  return `${url} has no store ${store} in which the account of the login file has a role; it must have the role ${role} there, and the login the permission ${permission}`;
}
