import { defineQuery } from '@temporalio/workflow';
import { PROGRESS, type ImportProgress } from './import-contract.ts';

/** How far an import is; bytes of an unpacking that is under way are in the heartbeats of its activity. */
export const importProgress = defineQuery<ImportProgress>(PROGRESS);
