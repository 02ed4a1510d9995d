import { createHash } from 'node:crypto';
import type { HandOver } from '../api/device/index.ts';
import { readSecretFile } from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import type { BlobDigest, BlobPlaces } from '../storage/index.ts';
import type { Environment } from './foundation.ts';

/** How long an address that was given away is good: a device follows it at once, and asks for a new one to resume. Seconds. */
const LIFE = 600;

/**
 * Who sends files in our place, as the environment says: nobody; a front server on this host that is told by a header
 * (AIRLOCK_DOWNLOADS_ACCEL, its internal location over the blobs folder); or one elsewhere that takes presigned addresses
 * (AIRLOCK_DOWNLOADS_URL and AIRLOCK_DOWNLOADS_SECRET_FILE), signed as nginx's secure_link module checks them:
 * `secure_link_md5 "$secure_link_expires$uri SECRET"`. What lies in a bucket is sent by us, or with AIRLOCK_DOWNLOADS_BUCKET=redirect
 * by the bucket's server, at a presigned address. snapd takes its session off when it follows (protocol/devices.md 3.8).
 * @throws AirlockError `downloads-address-invalid`, or what stands in the way of the secret's file
 */
export async function handOverOf(
  env: Environment,
  clock: () => Date,
  blobs: Pick<BlobPlaces, 'bucketOf'>,
): Promise<HandOver | undefined> {
  const folder = await ofFolder(env, clock);
  const fromBucket = env['AIRLOCK_DOWNLOADS_BUCKET'] === 'redirect';
  if (folder === undefined && !fromBucket) return undefined;
  return async (blob, asked) => {
    const bucket = await blobs.bucketOf(blob);
    if (bucket === undefined) return folder?.(blob, asked);
    if (!fromBucket) return undefined;
    return { redirect: await bucket.presigned(blob.digest, { ...asked, seconds: LIFE }) };
  };
}

/** Who sends what lies in the folder. */
async function ofFolder(env: Environment, clock: () => Date): Promise<HandOver | undefined> {
  const internal = env['AIRLOCK_DOWNLOADS_ACCEL'];
  if (internal) {
    const location = internal.replace(/\/*$/, '/');
    return async ({ digest }) => ({ header: ['x-accel-redirect', `${location}${placeOf(digest)}`] });
  }
  const address = env['AIRLOCK_DOWNLOADS_URL'];
  if (!address) return undefined;
  const base = baseOf(address);
  const secret = (await readSecretFile(env['AIRLOCK_DOWNLOADS_SECRET_FILE'] ?? '')).trim();
  return async ({ digest }) => ({ redirect: presigned(new URL(placeOf(digest), base), secret, clock()) });
}

/** Where a blob is below the blobs folder. */
function placeOf(digest: BlobDigest): string {
  return `${digest.slice(0, 2)}/${digest}`;
}

function presigned(url: URL, secret: string, now: Date): string {
  const expires = String(Math.floor(now.getTime() / 1000) + LIFE);
  const seal = createHash('md5').update(`${expires}${url.pathname} ${secret}`).digest('base64url');
  url.search = new URLSearchParams({ expires, md5: seal }).toString();
  return url.href;
}

function baseOf(address: string): URL {
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base?.protocol === 'http:' || base?.protocol === 'https:') {
    base.pathname = base.pathname.replace(/\/*$/, '/');
    return base;
  }
  throw new AirlockError(
    'invalid',
    'downloads-address-invalid',
    'cannot use AIRLOCK_DOWNLOADS_URL: it must be an http or https address',
  );
}
