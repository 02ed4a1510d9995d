import { z } from 'zod';
import type { SettingStore } from './setting-store.ts';

/** The setting under which the newest verified backup is noted. */
export const LAST_BACKUP = 'airlock.last-backup';

const lastBackup = z.object({
  /** When its snapshot was taken. */
  at: z.iso.datetime(),
  verified: z.boolean(),
  verifiedAt: z.iso.datetime(),
  backupId: z.string(),
  path: z.string(),
});
export type LastBackup = z.infer<typeof lastBackup>;

/** The newest backup that was verified; undefined when there is none. */
export async function readLastBackup(settings: SettingStore): Promise<LastBackup | undefined> {
  const text = await settings.get(LAST_BACKUP);
  if (text === undefined) return undefined;
  return lastBackup.parse(JSON.parse(text));
}
