import { patched, proxyActivities } from '@temporalio/workflow';

import type { SweepActivities } from '../activities/sweeps.ts';
import { commit } from './options.ts';

const { sweepNonces, sweepUnclaimedUploads, sweepAccountExports } = proxyActivities<SweepActivities>(commit);

/** Forgets used nonces whose time is over. Runs by a schedule. */
export async function sweepSessions(): Promise<number> {
  return sweepNonces();
}

/** Removes uploads that nobody claimed, and exports of accounts whose process is no more. Runs by a schedule. */
export async function sweepUploads(): Promise<number> {
  const uploads = await sweepUnclaimedUploads();
  return patched('account-exports') ? uploads + (await sweepAccountExports()) : uploads;
}
