/** Shapes of names and ids that several types share (protocol/devices.md 7). */

/** What decides whether a text has a certain shape: a regular expression, or a rule in its place. */
export interface Shape {
  test(value: string): boolean;
}

export const ACCOUNT_ID = /^(?:[a-z0-9A-Z]{32}|[-a-z0-9]{2,28})$/;
/** Lower-case letters, digits and single inner dashes, with a letter somewhere. */
export const ACCOUNT_KEY_NAME: Shape = { test: isDashedName };
export const MODEL_NAME = /^[a-zA-Z0-9](?:-?[a-zA-Z0-9])*$/;
export const SNAP_ID = /^[a-z0-9A-Z]{32}$/;
export const PROVENANCE = /^[a-zA-Z0-9](?:-?[a-zA-Z0-9])*$/;
export const APP_NAME = /^[a-zA-Z0-9](?:-?[a-zA-Z0-9])*$/;
export const ALIAS = /^[a-zA-Z0-9][-_.a-zA-Z0-9]*$/;
export const STORE_ID = /^[-A-Z0-9a-z_]+$/;
export const BRAND_SLASH_MODEL = /^(?:[a-z0-9A-Z]{32}|[-a-z0-9]{2,28})\/(?:[a-zA-Z0-9](?:-?[a-zA-Z0-9])*)$/;
export const VALIDATION_SET_NAME = /^[a-z0-9](?:-?[a-z0-9])*$/;
/** The serials that new features of devices rely on; older serials may hold anything but "/". */
export const STRICT_SERIAL = /^[a-zA-Z0-9](?:[:+-]?[a-zA-Z0-9])*$/;

/** The provenance of what is uploaded to the store in the ordinary way. */
export const DEFAULT_PROVENANCE = 'global-upload';

/** The series of all present-day snaps. */
export const SERIES = '16';

/** Whether the text is a name under which a snap, a resource or a component can be registered. */
export function isSnapName(name: string): boolean {
  return name.length >= 2 && name.length <= 40 && isDashedName(name);
}

/** Whether the text is a snap name with an optional instance key after "_". */
export function isInstanceName(name: string): boolean {
  const underscore = name.indexOf('_');
  if (underscore === -1) return isSnapName(name);
  return isSnapName(name.slice(0, underscore)) && /^[a-z0-9]{1,10}$/.test(name.slice(underscore + 1));
}

/** Checked in steps of linear cost: the one regular expression for it would backtrack without end on hostile names. */
function isDashedName(name: string): boolean {
  return (
    /^[a-z0-9-]+$/.test(name) &&
    /[a-z]/.test(name) &&
    !name.startsWith('-') &&
    !name.endsWith('-') &&
    !name.includes('--')
  );
}
