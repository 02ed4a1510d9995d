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
    return finishedSchema.parse(JSON.parse(await readFile(pathOf(fetch, name, deps), 'utf8')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes the archives that a fetch finished. */
export async function removeFinished(
  { fetchId }: Pick<RunningFetch, 'fetchId'>,
  { blobs }: FetchDeps,
): Promise<void> {
  const folder = fetchFolder(blobs, fetchId);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(SUFFIX)) continue;
    const { file } = finishedSchema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')));
    await rm(file.path, { force: true });
  }
}

function pathOf({ fetchId }: RunningFetch, name: string, { blobs }: FetchDeps): string {
  return join(fetchFolder(blobs, fetchId), `${name}${SUFFIX}`);
}
