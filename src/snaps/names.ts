import { z } from 'zod';
import { SnapError } from './errors.ts';

/** A snap's registered name: what `snap install` takes. */
export type SnapName = string & z.$brand<'SnapName'>;

/** The store's permanent identifier of a snap. */
const SNAP_ID = /^[a-zA-Z0-9]{32}$/;

/** Lower-case letters, digits and single inner hyphens, at least one letter, at most 40 characters. */
const SNAP_NAME = /^(?:[a-z0-9]+-?)*[a-z](?:-?[a-z0-9])*$/;
const SNAP_NAME_MAX = 40;

/** Schema of a snap name at an edge. The length is checked before the pattern, which is costly on long text. */
const snapNameSchema = z.string().refine(isSnapName, 'not a snap name').brand<'SnapName'>();

/** Whether the text has the form of a snap name. */
export function isSnapName(text: string): boolean {
  return text.length > 0 && text.length <= SNAP_NAME_MAX && SNAP_NAME.test(text);
}

/** Whether the text has the form of a snap id. */
export function isSnapId(text: string): boolean {
  return SNAP_ID.test(text);
}

/** Reads a snap name. Throws `snap-name-invalid`. */
export function parseSnapName(text: string): SnapName {
  const parsed = snapNameSchema.safeParse(text);
  if (!parsed.success) {
    throw new SnapError(
      'snap-name-invalid',
      `cannot use ${quote(text)} as a snap name: lower-case letters, digits and single hyphens, with a letter, 40 at most`,
    );
  }
  return parsed.data;
}

/** Text of a stranger in a sentence: quoted, and cut so that it cannot flood a log. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
