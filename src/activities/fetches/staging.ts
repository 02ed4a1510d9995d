/** The files of a fetch, as they come. */
import { join } from 'node:path';
import { download, type DownloadOptions } from '../../upstream/index.ts';
import type { RunningFetch } from '../../workflows/fetch-contract.ts';
import { fetchFolder, upstreamClient, type FetchDeps } from './client.ts';
import { openPlan, type FetchParts } from './plan.ts';

/** Where a file of the fetch is, from its download to the end of its archive. */
export function stagedFile(fetch: RunningFetch, digest: string, { blobs }: Pick<FetchDeps, 'blobs'>): string {
  return join(fetchFolder(blobs, fetch.fetchId), digest);
}

/** Downloads one file of the plan, or goes on with what an interrupted run left of it. */
export async function downloadPlanned(
  fetch: RunningFetch,
  index: number,
  deps: FetchParts,
  options: DownloadOptions,
): Promise<void> {
  const wanted = (await openPlan(fetch, deps)).files[index];
  if (wanted === undefined) throw new TypeError('internal error: a download that was not planned');
  const { url, size, digest } = wanted;
  const path = stagedFile(fetch, digest, deps);
  await download(await upstreamClient(deps, fetch), { url, digest, size, path }, options);
  await deps.verified.add(path);
}
