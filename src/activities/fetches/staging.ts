/** The files of a fetch, as they come. */
import { join } from 'node:path';
import {
  download,
  UpstreamError,
  type Download,
  type DownloadOptions,
  type StoreClient,
} from '../../upstream/index.ts';
import type { RunningFetch } from '../../workflows/fetch-contract.ts';
import { fetchFolder, upstreamClient, type FetchDeps } from './client.ts';
import { openPlan, type FetchParts } from './plan.ts';

/** Where a file of the fetch is, from its download to the end of its archive. */
export function stagedFile(fetch: RunningFetch, digest: string, { blobs }: Pick<FetchDeps, 'blobs'>): string {
  return join(fetchFolder(blobs, fetch.fetchId), digest);
}

/**
 * Downloads of a file in turn that bring other bytes than those announced. What lay here of an older one may have been spoilt, or was of
 * another file; what comes anew and is wrong again is wrong over there, and as large the next time.
 */
const CORRUPT_TRIES = 3;

/**
 * Downloads one file of the plan, or goes on with what an interrupted run left of it.
 * @throws UpstreamError `upstream-contradictory` when its bytes are again and again not those that were announced
 */
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
  await downloadSound(await upstreamClient(deps, fetch), { url, digest, size, path }, options);
  await deps.verified.add(path);
}

async function downloadSound(client: StoreClient, wanted: Download, options: DownloadOptions): Promise<void> {
  for (let tried = 1; ; tried += 1)
    try {
      return await download(client, wanted, options);
    } catch (cause) {
      if (!(cause instanceof UpstreamError) || cause.code !== 'download-corrupt') throw cause;
      if (tried === CORRUPT_TRIES)
        throw new UpstreamError(
          'upstream-contradictory',
          `cannot use ${wanted.url}: ${CORRUPT_TRIES} times in turn its bytes were not those that the store announced (SHA3-384 differs); tell whoever runs the upstream, or the network on the way to it, and fetch again`,
          cause,
        );
    }
}
