import { z } from 'zod';

import { PublisherError } from './errors.ts';
import { isPermission, type Permission } from './permissions.ts';

/**
 * One limit of a credential. The grammar is public, so that a holder can narrow a credential offline:
 * `airlock|<condition>|<value>`, where lists are JSON arrays of strings and times are ISO 8601 in UTC.
 * Conditions follow those seen in the public store's macaroons (protocol/publishers.md, section 2).
 */
export type Caveat =
  | { readonly condition: 'acl'; readonly permissions: readonly Permission[] }
  | { readonly condition: 'package'; readonly names: readonly string[] }
  | { readonly condition: 'package_id'; readonly ids: readonly string[] }
  | { readonly condition: 'channel'; readonly patterns: readonly string[] }
  | { readonly condition: 'store_ids'; readonly ids: readonly string[] }
  | { readonly condition: 'valid_since'; readonly at: Date }
  | { readonly condition: 'expires'; readonly at: Date }
  | { readonly condition: 'session_id'; readonly id: string }
  | { readonly condition: 'account'; readonly id: string };

const PREFIX = 'airlock';
const MAX_ITEMS = 200;
const MAX_ITEM_LENGTH = 256;

const listSchema = z.array(z.string().min(1).max(MAX_ITEM_LENGTH)).max(MAX_ITEMS);
const timeSchema = z.iso.datetime().transform((text) => new Date(text));
const idSchema = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/);

/** The text of a caveat, as it stands in a macaroon. */
export function formatCaveat(caveat: Caveat): string {
  return `${PREFIX}|${caveat.condition}|${formatValue(caveat)}`;
}

/**
 * Reads a caveat. Unknown conditions are refused: a limit that we do not understand must not be ignored.
 *
 * @throws PublisherError `caveat-malformed`
 */
export function parseCaveat(text: string): Caveat {
  const [prefix, condition, ...rest] = text.split('|');
  const value = rest.join('|');
  if (prefix !== PREFIX || condition === undefined) throw malformedCaveat(text);
  switch (condition) {
    case 'acl':
      return { condition, permissions: list(text, value).map((name) => known(text, name)) };
    case 'package':
      return { condition, names: list(text, value) };
    case 'package_id':
    case 'store_ids':
      return { condition, ids: list(text, value) };
    case 'channel':
      return { condition, patterns: list(text, value) };
    case 'valid_since':
    case 'expires':
      return { condition, at: read(text, timeSchema, value) };
    case 'session_id':
    case 'account':
      return { condition, id: read(text, idSchema, value) };
    default:
      throw malformedCaveat(text);
  }
}

function formatValue(caveat: Caveat): string {
  switch (caveat.condition) {
    case 'acl':
      return JSON.stringify(caveat.permissions);
    case 'package':
      return JSON.stringify(caveat.names);
    case 'package_id':
    case 'store_ids':
      return JSON.stringify(caveat.ids);
    case 'channel':
      return JSON.stringify(caveat.patterns);
    case 'valid_since':
    case 'expires':
      return caveat.at.toISOString();
    case 'session_id':
    case 'account':
      return caveat.id;
    default:
      return caveat satisfies never;
  }
}

function list(text: string, value: string): string[] {
  try {
    return read(text, listSchema, JSON.parse(value));
  } catch (cause) {
    throw malformedCaveat(text, cause);
  }
}

function known(text: string, name: string): Permission {
  if (!isPermission(name)) throw malformedCaveat(text);
  return name;
}

function read<T>(text: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw malformedCaveat(text);
  return result.data;
}

function malformedCaveat(text: string, cause?: unknown): PublisherError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  const sentence = `cannot read the caveat ${JSON.stringify(shown)}: use airlock|CONDITION|VALUE`;
  return new PublisherError('invalid', 'caveat-malformed', sentence, { cause });
}
