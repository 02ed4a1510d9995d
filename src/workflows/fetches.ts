import { CancellationScope, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { FetchActivities } from '../activities/fetches.ts';
import type { ExportOutcome } from './export-contract.ts';
import {
  metadataFetchId,
  type FetchKeysInput,
  type FetchMetadataInput,
  type FetchSnapsInput,
  type RunningFetch,
} from './fetch-contract.ts';
import { bringFiles, bytesOf, writesAsTheyCome } from './fetch-lanes.ts';
import { commit, download, upstream } from './options.ts';
import { progressQuery } from './progress.ts';
import type { Progress } from './progress-contract.ts';

const { resolveFetch, addDependencies } = proxyActivities<FetchActivities>({
  ...upstream,
  startToCloseTimeout: '30m',
  heartbeatTimeout: '30s',
});
const { fetchKeys, fetchMetadata } = proxyActivities<FetchActivities>({
  ...upstream,
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
});
// Archives are as patient as downloads: they ask the upstream for what their snaps rest on.
const { downloadSnap, writeFetchedSnap } = proxyActivities<FetchActivities>(download);
const { writeFetchedSnaps } = proxyActivities<FetchActivities>({ ...download, startToCloseTimeout: '24h' });
const { closeFetch } = proxyActivities<FetchActivities>(commit);

/**
 * Fetches snaps from the upstream store: asks what there is, and what that needs where it is wished; downloads many at a time, verifies,
 * and writes an archive for each snap as soon as its files are here, or one for the whole store at the end. Downloads go on after a kill of
 * the worker or a cut of the network where they were. One that fails or is cancelled leaves no archive.
 */
export async function fetchSnaps(input: FetchSnapsInput): Promise<ExportOutcome> {
  let progress: Progress = { step: 'asking', done: 0, total: 1, unit: 'steps' };
  setHandler(progressQuery, () => progress);
  const at = input.at ?? new Date().toISOString();
  // A process that began before archives were written as the files come takes the path that it took.
  const isNew = patched('archives-as-files-come');
  const fetch = isNew ? runningFetch(input) : input;
  const scope = new CancellationScope();
  /** One step that fails ends the others: nothing is written any more when the fetch is closed. */
  const orEndAll = (step: Promise<void>) =>
    step.catch((error: unknown) => {
      if (isNew) scope.cancel();
      throw error;
    });
  try {
    const items = [...(await resolveFetch(input))];
    // The wish is part of the input: a process that began before there was one takes the path that it took.
    if (input.withDependencies) items.push(...(await addDependencies(input, 0, items.length)));
    const asTheyCome = isNew && writesAsTheyCome(input, items);
    let [done, brought, total] = [0, 0, 0];
    while (brought < items.length) {
      total = bytesOf(items);
      progress = { step: 'downloading', done, total, unit: 'bytes' };
      const steps = {
        download: async (index: number) => {
          await orEndAll(downloadSnap(fetch, index));
          done += items[index]?.size ?? 0;
          progress = { step: 'downloading', done, total, unit: 'bytes' };
        },
        write: asTheyCome ? (snap: string) => orEndAll(writeFetchedSnap(fetch, snap, at)) : undefined,
      };
      await scope.run(() => bringFiles(items, brought, steps));
      brought = items.length;
      // A file tells what its snap needs where the upstream did not.
      if (input.withDependencies) items.push(...(await addDependencies(input, brought, items.length)));
    }
    progress = { step: 'writing', done: asTheyCome ? total : 0, total, unit: 'bytes' };
    const outcome = await writeFetchedSnaps(input, at);
    await closeFetch(fetch);
    return outcome;
  } catch (error) {
    // A cancelled fetch is over as well: what it has must not wait for somebody who may never come back.
    await CancellationScope.nonCancellable(() => closeFetch(fetch, { abandoned: true }));
    throw error;
  }
}

/** What all its steps need: thousands of them are kept with what they were given, and the names of all snaps are in the plan. */
function runningFetch({ fetchId, store, credentials, exportDir }: FetchSnapsInput): RunningFetch {
  return { fetchId, store, credentials, exportDir };
}

/** Fetches account-keys with their chains. */
export function fetchAccountKeys(input: FetchKeysInput): Promise<ExportOutcome> {
  return fetchKeys(input, input.at ?? new Date().toISOString());
}

/** Fetches a store's metadata from an authority. */
export async function fetchBrandStoreMetadata(input: FetchMetadataInput): Promise<ExportOutcome> {
  const login = { fetchId: metadataFetchId(input.store), credentials: input.credentials };
  try {
    return await fetchMetadata(input, input.at ?? new Date().toISOString());
  } finally {
    await CancellationScope.nonCancellable(() => closeFetch(login));
  }
}
