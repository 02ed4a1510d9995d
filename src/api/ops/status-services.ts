import type { z } from 'zod';
import type { status } from './host-contract.ts';

/** The services that the documented `status` lists, in its order. */
const ONLINE = [
  'memcached',
  'nginx',
  'snapauth',
  'snapdevicegw',
  'snapdevicegw-local',
  'snapproxy',
  'snaprevs',
];
const AIRGAP = [
  'memcached',
  'nginx',
  'packagereview',
  'packagereview-worker',
  'publishergw',
  'snapassert',
  'snapauth',
  'snapdevicegw',
  'snapdevicegw-local',
  'snapident',
  'snapmodels',
  'snapproxy',
  'snaprevs',
  'snapstorage',
  'storeadmingw',
];
/** Signs with the HSM. */
const SIGNING = 'snapmodels';
/** Those whose work is done by durable processes. */
const DURABLE = new Set(['packagereview-worker', 'snapmodels']);

/** What decides which services run. */
export interface ServiceFacts {
  readonly airgap: boolean;
  /** What keeps every service from running. */
  readonly failure: string | null;
  readonly temporal: boolean;
  readonly storageFailure: string | null;
  readonly hsmFailure: string | null;
}

/** The documented services: which of them run, and what keeps the others from it. */
export function serviceList(facts: ServiceFacts): z.input<typeof status>['services'] {
  const { airgap, failure, temporal, storageFailure, hsmFailure } = facts;
  const owned = new Map([
    ['snapstorage', storageFailure],
    [SIGNING, hsmFailure],
  ]);
  return (airgap ? AIRGAP : ONLINE).map((name) => {
    const own = owned.get(name) ?? null;
    const why =
      failure ?? own ?? (DURABLE.has(name) && !temporal ? 'the Temporal server does not answer' : null);
    return { name, running: why === null, failure: why };
  });
}
