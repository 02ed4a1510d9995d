import { proxyActivities } from '@temporalio/workflow';
import type { ImportActivities } from '../activities/imports.ts';
import type {
  ImportInput,
  ImportOutcome,
  ImportPlan,
  ImportSlice,
  RemovalInput,
  RemovalOutcome,
  RollBackInput,
  RollBackOutcome,
} from './import-contract.ts';
import { runImport, verifySliceOf } from './import-steps.ts';
import { commit } from './options.ts';

/** A plan reads the whole of a pair, which may be as large as a snap can be. */
const { planImport: plan } = proxyActivities<ImportActivities>({
  ...commit,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
});
const steps = proxyActivities<ImportActivities>({
  ...commit,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
});

/** Imports a store's export or its metadata: verified whole by children, then visible at once. */
export function importStore(input: ImportInput): Promise<ImportOutcome> {
  return runImport(input, 'importSnap');
}

/**
 * Imports one snap, from an archive or from what `snap download` leaves. With a slice it is the child of an import and
 * verifies that share of its revisions.
 */
export async function importSnap(input: ImportInput, slice?: ImportSlice): Promise<ImportOutcome | null> {
  if (slice === undefined) return runImport(input, 'importSnap');
  await verifySliceOf(input, slice);
  return null;
}

/** Imports account-keys, and wakes the registrations that wait for them. */
export function importAccountKeys(input: ImportInput): Promise<ImportOutcome> {
  return runImport(input, 'importSnap');
}

/** Tells what a push would change. */
export function planImport(input: ImportInput): Promise<ImportPlan> {
  return plan(input);
}

/** Puts back what was there before the newest import or removal, or before the one asked for; or tells what that would change. */
export function rollBackImport(input: RollBackInput): Promise<RollBackOutcome> {
  return steps.rollBackImport(input);
}

/** Removes revisions of snaps, or tells which would go. */
export function removeSnaps(input: RemovalInput): Promise<RemovalOutcome> {
  return steps.removeSnaps(input);
}
