import { z } from 'zod';

import {
  AssertionError,
  checkConstraints,
  constraintsMayAllow,
  formatTimestamp,
  boundHeaders,
  type KeyBounds,
} from '../assertions/index.ts';
import { DeviceError } from './errors.ts';
import { quoted } from './names.ts';

/** Most alternatives among the constraints of a key, and most characters of one pattern. */
const MAX_CONSTRAINTS = 32;
const MAX_PATTERN = 1024;
/** Most characters of constraints in a sentence. */
const MAX_SHOWN = 400;

const pattern = z
  .string()
  .min(1)
  .max(MAX_PATTERN)
  .regex(/^[^\p{Cc}]+$/u, 'control characters are not allowed');
const headerName = z
  .string()
  .max(128)
  .regex(/^[a-z](?:-?[a-z0-9])*$/);
const headers = z.record(headerName, z.union([pattern, z.array(pattern).min(1).max(MAX_CONSTRAINTS)]));

/** Bounds of a signing key's account-key as a request asks for them, in the form of the assertion. */
export const keyBoundsFields = {
  until: z.iso.datetime({ offset: true }).optional(),
  constraints: z.array(z.strictObject({ headers })).min(1).max(MAX_CONSTRAINTS).optional(),
} as const;

/**
 * Checks the bounds of a key that is to sign a brand's serials, and writes them as assertions do. Throws {@link DeviceError}
 * `key-bounds-malformed`.
 */
export function checkKeyBounds(
  bounds: KeyBounds,
  of: { readonly brandId: string; readonly now: Date },
): KeyBounds {
  const { until, constraints } = bounds;
  const end = until === undefined ? undefined : new Date(until);
  if (end !== undefined && end <= of.now) throw malformed(`its "until" ${quoted(until ?? '')} has passed`);
  if (constraints !== undefined) checkForSerials(constraints, of.brandId);
  return {
    ...(end !== undefined && { until: formatTimestamp(end) }),
    ...(constraints !== undefined && { constraints }),
  };
}

/** Bounds as a sentence has them; long ones are cut short. */
export function boundsInWords({ until, constraints }: KeyBounds): string {
  const end = until === undefined ? 'without an end' : `until ${until}`;
  if (constraints === undefined) return `${end} and without constraints`;
  const all = JSON.stringify(constraints);
  const shown = all.length > MAX_SHOWN ? `${all.slice(0, MAX_SHOWN)}…` : all;
  return `${end} and with the constraints ${shown}`;
}

function checkForSerials(constraints: NonNullable<KeyBounds['constraints']>, brandId: string): void {
  try {
    checkConstraints(constraints);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    throw malformed(error.message.slice(error.message.indexOf(': ') + 2), error);
  }
  const key = { headers: boundHeaders({ constraints }) };
  if (constraintsMayAllow(key, { type: 'serial', 'authority-id': brandId })) return;
  throw malformed(
    `none of its constraints lets it sign serials of ${brandId}, as one with type=serial would`,
  );
}

function malformed(why: string, cause?: unknown): DeviceError {
  return new DeviceError('key-bounds-malformed', `cannot bound the signing key: ${why}`, { cause });
}
