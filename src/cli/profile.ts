import { readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { makeFolder } from '../folders.ts';
import { CliError } from './errors.ts';
import type { Terminal } from './terminal.ts';

const profileSchema = z.object({
  /** The store that `store-admin login` was last used with. */
  store: z.object({ url: z.string(), token: z.string(), email: z.string() }).optional(),
  /** Remembered from BRAND_ACCOUNT_ID (seed 001: "only needs to be set once"). */
  brandAccountId: z.string().optional(),
  /** The authority or online store, for register-key and export. */
  authority: z.object({ url: z.string(), credentials: z.string() }).optional(),
});

/** What a brand admin's machine remembers between commands. */
export type Profile = z.infer<typeof profileSchema>;

/** The folder for what one person's commands remember: AIRLOCK_HOME, the snap's own, or ~/.config/airlock. */
function profileFolder(env: Terminal['env']): string {
  if (env['AIRLOCK_HOME']) return env['AIRLOCK_HOME'];
  if (env['SNAP_USER_COMMON']) return join(env['SNAP_USER_COMMON'], 'airlock');
  return join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'airlock');
}

/** Where exports go when nothing else is said: the folder that the seeds show, under the person's own. */
export function exportFolder(env: Terminal['env']): string {
  if (env['SNAP_USER_COMMON']) return join(env['SNAP_USER_COMMON'], 'export');
  return join(env['HOME'] ?? homedir(), 'snap', 'store-admin', 'common', 'export');
}

/**
 * Reads the profile; an absent one is empty.
 *
 * @throws CliError `file-unreadable` when it is there and no profile
 */
export async function readProfile(env: Terminal['env']): Promise<Profile> {
  const file = join(profileFolder(env), 'store-admin.json');
  try {
    return profileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if (isMissing(cause)) return {};
    throw new CliError(
      'invalid',
      'file-unreadable',
      `cannot read the saved log-in ${file}: remove it and log in again`,
      { cause },
    );
  }
}

/** Changes the profile: written whole beside the old one and then renamed; only its owner can read it. */
export async function updateProfile(env: Terminal['env'], change: Partial<Profile>): Promise<Profile> {
  const folder = profileFolder(env);
  const file = join(folder, 'store-admin.json');
  const profile = { ...(await readProfile(env)), ...change };
  try {
    await makeFolder(folder, 0o700);
    await writeFile(`${file}.new`, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  } catch (cause) {
    throw new CliError(
      'invalid',
      'file-unwritable',
      `cannot save the log-in to ${file}: check the folder's permissions or set AIRLOCK_HOME`,
      { cause },
    );
  }
  return profile;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
