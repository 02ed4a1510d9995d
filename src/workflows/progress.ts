import { defineQuery } from '@temporalio/workflow';
import { PROGRESS, type Progress } from './progress-contract.ts';

/** How far a process is; bytes of a step that is under way are in the heartbeats of its activity. */
export const progressQuery = defineQuery<Progress>(PROGRESS);
