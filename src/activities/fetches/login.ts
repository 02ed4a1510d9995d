import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** In the folder of a fetch: the single-sign-on server that refreshed its log-in. */
const REFRESHED_FILE = 'login-refreshed';

/** Keeps in mind, over all steps of a fetch, that its log-in was refreshed. */
export async function noteRefresh(folder: string, sso: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, REFRESHED_FILE), sso, { mode: 0o600 });
}

/** What is said of it with what was fetched; nothing where the log-in was good as it was. */
export async function refreshOf(folder: string): Promise<{ readonly loginRefreshed?: string }> {
  const sso = await readFile(join(folder, REFRESHED_FILE), 'utf8').catch(() => undefined);
  return sso === undefined ? {} : { loginRefreshed: sso };
}
