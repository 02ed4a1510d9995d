import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemErrorCode, writePrivateFile } from '../../config/index.ts';
import type { RunningFetch } from '../../workflows/fetch-contract.ts';
import { fetchFolder, type FetchDeps } from './client.ts';

const finishedSchema = z.object({
  file: z.object({ subject: z.string(), path: z.string(), size: z.number() }),
  warnings: z.array(z.string()).readonly(),
  leftOut: z.object({ files: z.number(), bytes: z.number() }),
});

/** A snap whose archive is finished: what is told of it in the end. Its files need not be here any more. */
export type FinishedSnap = z.output<typeof finishedSchema>;

const SUFFIX = '.finished.json';

/** Keeps what came of a snap, durably: its files may be removed after it. */
export function keepFinished(fetch: RunningFetch, finished: FinishedSnap, deps: FetchDeps): Promise<void> {
  return writePrivateFile(pathOf(fetch, finished.file.subject, deps), JSON.stringify(finished));
}

/** What came of a snap, if its archive is finished. */
export async function finishedSnap(
  fetch: RunningFetch,
  name: string,
  deps: FetchDeps,
): Promise<FinishedSnap | undefined> {
  try {
    return await readRecord(pathOf(fetch, name, deps));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes the archives that a fetch finished. */
export async function removeFinished(
  fetch: Pick<RunningFetch, 'fetchId'>,
  deps: Pick<FetchDeps, 'blobs'>,
): Promise<void> {
  for (const record of await recordsOf(fetch, deps)) {
    const { file } = await readRecord(record);
    await rm(file.path, { force: true });
  }
}

/** Forgets what an earlier fetch of the same wish finished: one that was terminated told nobody that it is over. */
export async function forgetFinished(
  fetch: Pick<RunningFetch, 'fetchId'>,
  deps: Pick<FetchDeps, 'blobs'>,
): Promise<void> {
  for (const record of await recordsOf(fetch, deps)) await rm(record);
}

async function recordsOf(
  { fetchId }: Pick<RunningFetch, 'fetchId'>,
  { blobs }: Pick<FetchDeps, 'blobs'>,
): Promise<readonly string[]> {
  const folder = fetchFolder(blobs, fetchId);
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(folder, name));
}

async function readRecord(path: string): Promise<FinishedSnap> {
  return finishedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

function pathOf({ fetchId }: RunningFetch, name: string, { blobs }: FetchDeps): string {
  return join(fetchFolder(blobs, fetchId), `${name}${SUFFIX}`);
}
