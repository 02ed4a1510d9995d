import { proxyActivities } from '@temporalio/workflow';

import type { SweepActivities } from '../activities/sweeps.ts';
import { commit } from './options.ts';

const { sweepNonces, sweepUnclaimedUploads } = proxyActivities<SweepActivities>(commit);

/** Forgets used nonces whose time is over. Runs by a schedule. */
export async function sweepSessions(): Promise<number> {
  return sweepNonces();
}

/** Removes uploads that nobody claimed. Runs by a schedule. */
export async function sweepUploads(): Promise<number> {
  return sweepUnclaimedUploads();
}
