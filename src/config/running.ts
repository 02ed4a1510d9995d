import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { DataFolder } from './data-folder.ts';

/** Where a running appliance is, for the commands and workers of the same machine (`run/addresses.json`). */
const addresses = z.object({
  /** The API, without a slash at the end. */
  url: z.string(),
  /** HOST:PORT of the Temporal server. */
  temporal: z.string(),
  /** Temporal UI, when there is one. */
  temporalUi: z.string().nullable(),
});
export type RunningAddresses = z.infer<typeof addresses>;

/** What the running appliance wrote; undefined when none runs, or its file cannot be read. */
export async function readAddresses(dataFolder: DataFolder): Promise<RunningAddresses | undefined> {
  try {
    return addresses.parse(JSON.parse(await readFile(dataFolder.addresses, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Writes where we are; removed by the next start, and harmless when stale. */
export async function writeAddresses(dataFolder: DataFolder, running: RunningAddresses): Promise<void> {
  await dataFolder.write(dataFolder.addresses, `${JSON.stringify(running, null, 2)}\n`);
}

/** The operator's token: made at the first start, for the owner of the data folder alone. */
export async function operatorToken(dataFolder: DataFolder): Promise<string> {
  try {
    const token = (await readFile(dataFolder.operatorToken, 'utf8')).trim();
    if (token !== '') return token;
  } catch {
    // The first start.
  }
  const token = randomBytes(32).toString('base64url');
  await dataFolder.write(dataFolder.operatorToken, `${token}\n`);
  return token;
}
