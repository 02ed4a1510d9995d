import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';

import { DeviceError } from './errors.ts';

/** One of the API keys of a model, as far as a check needs it: the key itself is not kept, only its digest. */
export interface ApiKeyRecord {
  /** The name that an admin gave it, unique within the model. */
  readonly name: string;
  /** See {@link apiKeyDigest}. */
  readonly digest: string;
  /** When it stops to count, for a rotation with overlap; undefined: never. */
  readonly expiresAt: Date | undefined;
  readonly blocked: boolean;
}

/**
 * The keyed digest under which an API key is kept: HMAC-SHA256 in hex with a pepper that is not in the database, so that
 * a copy of the database alone tells nothing about short keys either.
 */
export function apiKeyDigest(key: string, pepper: KeyObject): string {
  return createHmac('sha256', pepper).update('airlock api-key\0').update(key).digest('hex');
}

/**
 * Finds the record that the presented API key belongs to. All records are compared, in constant time each.
 * Throws {@link DeviceError} `api-key-missing`, `api-key-wrong` (also when the model has no key at all: no key opens
 * nothing), `api-key-expired`, `api-key-blocked`.
 */
export function matchApiKey(
  presented: string | undefined,
  records: readonly ApiKeyRecord[],
  of: { readonly pepper: KeyObject; readonly now: Date },
): ApiKeyRecord {
  if (presented === undefined || presented === '') {
    throw new DeviceError(
      'api-key-missing',
      'cannot accept a request without an API key: set the "api-key" header of the gadget\'s device-service.headers',
    );
  }
  const digest = Buffer.from(apiKeyDigest(presented, of.pepper), 'hex');
  let match: ApiKeyRecord | undefined;
  for (const record of records) {
    const known = Buffer.from(record.digest, 'hex');
    if (known.length === digest.length && timingSafeEqual(known, digest)) match ??= record;
  }
  if (match === undefined) {
    throw new DeviceError('api-key-wrong', 'cannot accept the API key: it is not one of this model');
  }
  if (match.blocked) {
    throw new DeviceError(
      'api-key-blocked',
      `cannot accept the API key: "${match.name}" is blocked; ask the brand to lift the block`,
    );
  }
  if (match.expiresAt !== undefined && of.now.getTime() >= match.expiresAt.getTime()) {
    throw new DeviceError(
      'api-key-expired',
      `cannot accept the API key: "${match.name}" expired at ${match.expiresAt.toISOString()}`,
    );
  }
  return match;
}
