import { PublisherError } from './errors.ts';

/** What a credential can be limited to; the names are those of the public store (protocol/publishers.md, section 2). */
export const PERMISSIONS = [
  'package_access',
  'package_manage',
  'package_metrics',
  'package_push',
  'package_purchase',
  'package_register',
  'package_release',
  'package_update',
  'package_upload',
  'package_upload_request',
  'modify_account_key',
  'edit_account',
  'store_admin',
  'store_review',
] as const;

/** One permission by name. */
export type Permission = (typeof PERMISSIONS)[number];

/** Permissions that stand for several others. */
const GROUPS: Partial<Record<Permission, readonly Permission[]>> = {
  package_manage: ['package_access', 'package_push', 'package_release', 'package_register', 'package_update'],
  package_upload: ['package_push', 'package_release'],
};

/** Whether a text names a permission. */
export function isPermission(text: string): text is Permission {
  return PERMISSIONS.some((permission) => permission === text);
}

/**
 * Reads a list of permission names.
 *
 * @throws PublisherError `invalid-field` that names the unknown one
 */
export function parsePermissions(names: readonly string[]): Permission[] {
  return names.map((name) => {
    if (isPermission(name)) return name;
    const known = PERMISSIONS.join(', ');
    throw new PublisherError(
      'invalid',
      'invalid-field',
      `cannot grant the permission "${name}": known are ${known}`,
    );
  });
}

/** Whether a set of granted permissions covers a needed one, directly or through a group. */
export function covers(granted: ReadonlySet<Permission>, needed: Permission): boolean {
  if (granted.has(needed)) return true;
  return [...granted].some((permission) => GROUPS[permission]?.includes(needed) ?? false);
}
