import { createHmac, timingSafeEqual } from 'node:crypto';
import { SnapError } from './errors.ts';

/** How long a cohort sees the same map before it moves on to a newer one: 90 days, in milliseconds. */
export const COHORT_WINDOW_MS = 90 * 24 * 60 * 60 * 1000;

/** Devices that share a cohort see one snap's channels as they stood at one moment. */
export interface Cohort {
  readonly snapId: string;
  readonly createdAt: Date;
  /** Distinguishes cohorts made in the same millisecond, and stands in for the device in progressive releases. */
  readonly identity: string;
}

const KEY = /^c1\.([a-zA-Z0-9]{32})\.([0-9a-z]{1,11})\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/;

/** Makes the opaque key of a new cohort. `nonce` is 16 hexadecimal digits of randomness, `secret` is the store's. */
export function makeCohortKey(snapId: string, createdAt: Date, nonce: string, secret: Uint8Array): string {
  const claim = `c1.${snapId}.${createdAt.getTime().toString(36)}.${nonce}`;
  return `${claim}.${sealOf(claim, secret)}`;
}

/**
 * Reads a cohort key that this store made for this snap. Throws `cohort-key-invalid` for any other, in the same words
 * whatever is wrong with it.
 */
export function readCohortKey(key: string, snapId: string, secrets: readonly Uint8Array[]): Cohort {
  const match = key.length > 200 ? null : KEY.exec(key);
  if (match) {
    const [, id = '', time = '', identity = '', seal = ''] = match;
    const claim = key.slice(0, -44);
    const genuine = secrets.some((secret) => equal(seal, sealOf(claim, secret)));
    if (genuine && id === snapId) return { snapId, createdAt: new Date(parseInt(time, 36)), identity };
  }
  throw new SnapError(
    'cohort-key-invalid',
    'cannot use the cohort key: it was not made by this store for this snap',
  );
}

/** The moment whose channel map the cohort sees now: the beginning of its present window. */
export function cohortMoment(cohort: Cohort, now: Date): Date {
  const age = Math.max(0, now.getTime() - cohort.createdAt.getTime());
  return new Date(cohort.createdAt.getTime() + Math.floor(age / COHORT_WINDOW_MS) * COHORT_WINDOW_MS);
}

function sealOf(claim: string, secret: Uint8Array): string {
  return createHmac('sha256', secret).update(`cohort\n${claim}`).digest('base64url');
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
