import { CancellationScope, isCancellation, proxyActivities, setHandler } from '@temporalio/workflow';
import type { FetchActivities } from '../activities/fetches.ts';
import type { ExportOutcome } from './export-contract.ts';
import {
  metadataFetchId,
  type FetchKeysInput,
  type FetchMetadataInput,
  type FetchSnapsInput,
} from './fetch-contract.ts';
import { commit, download, largeFiles, upstream } from './options.ts';
import { progressQuery } from './progress.ts';
import type { Progress } from './progress-contract.ts';

/** Downloads at a time: one waits while another has the network. */
const AT_ONCE = 4;

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
const { downloadSnap } = proxyActivities<FetchActivities>(download);
const { writeFetchedSnaps } = proxyActivities<FetchActivities>({ ...largeFiles, startToCloseTimeout: '24h' });
const { closeFetch } = proxyActivities<FetchActivities>(commit);

/**
 * Fetches snaps from the upstream store: asks what there is, and what that needs where it is wished; downloads many at a time,
 * verifies all, writes an archive for each, or one for the whole store. Downloads go on after a kill of the worker or a cut of the
 * network where they were.
 */
export async function fetchSnaps(input: FetchSnapsInput): Promise<ExportOutcome> {
  let progress: Progress = { step: 'asking', done: 0, total: 1, unit: 'steps' };
  setHandler(progressQuery, () => progress);
  const at = input.at ?? new Date().toISOString();
  try {
    const items = [...(await resolveFetch(input))];
    // The wish is part of the input: a process that began before there was one takes the path that it took.
    if (input.withDependencies) items.push(...(await addDependencies(input, 0, items.length)));
    let [done, next, total] = [0, 0, 0];
    const lane = async () => {
      while (next < items.length) {
        const index = next++;
        await downloadSnap(input, index);
        done += items[index]?.size ?? 0;
        progress = { step: 'downloading', done, total, unit: 'bytes' };
      }
    };
    while (next < items.length) {
      total = items.reduce((sum, { size }) => sum + size, 0);
      progress = { step: 'downloading', done, total, unit: 'bytes' };
      await CancellationScope.cancellable(() => Promise.all(Array.from({ length: AT_ONCE }, lane)));
      // A file tells what its snap needs where the upstream did not.
      if (input.withDependencies) items.push(...(await addDependencies(input, next, items.length)));
    }
    progress = { step: 'writing', done: 0, total, unit: 'bytes' };
    const outcome = await writeFetchedSnaps(input, at);
    await closeFetch(input);
    return outcome;
  } catch (error) {
    // A cancelled fetch is over as well: what it has must not wait for somebody who may never come back.
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => closeFetch(input));
    else await closeFetch(input);
    throw error;
  }
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
