import { proxyActivities } from '@temporalio/workflow';

import type { DeltaActivities } from '../activities/deltas.ts';
import { largeFiles } from './options.ts';

const { missingDeltas, makeDelta } = proxyActivities<DeltaActivities>(largeFiles);

/** Few enough for one history, and for others to have their turn on the queue. */
const PER_RUN = 50;

/** Makes the deltas that imports and uploads left to be made, one after the other. Runs by a schedule. */
export async function sweepDeltas(): Promise<number> {
  let made = 0;
  for (const pair of await missingDeltas({ limit: PER_RUN })) if (await makeDelta(pair)) made += 1;
  return made;
}
