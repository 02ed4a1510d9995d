import type { Recurring } from '../worker/schedules.ts';

/** What comes round by itself; how often is in temporal.yaml. */
export const RECURRING: readonly Recurring[] = [
  { name: 'sweepIntents', workflow: 'sweepSerials', queue: 'hsm' },
  { name: 'sweepSessions', workflow: 'sweepSessions', queue: 'airlock' },
  { name: 'sweepUploads', workflow: 'sweepUploads', queue: 'airlock' },
  { name: 'sweepDeltas', workflow: 'sweepDeltas', queue: 'airlock' },
  { name: 'sweepBlobs', workflow: 'sweepBlobs', queue: 'airlock' },
];
