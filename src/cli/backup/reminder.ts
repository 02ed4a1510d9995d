/** A backup of a week ago is old: a factory makes thousands of serials in that time. */
const OLD_DAYS = 7;
const DAY_MS = 86_400_000;

/**
 * The sentence that `status` ends with, on standard error, when there is no verified backup or only an old one; undefined
 * when all is well.
 */
export function backupReminder(
  last: { readonly at: string; readonly verified: boolean } | null,
  now: Date,
): string | undefined {
  const how = 'make one with "airlock backup FILE"';
  if (last === null || !last.verified) return `There is no verified backup of this host: ${how}.`;
  const days = Math.floor((now.getTime() - Date.parse(last.at)) / DAY_MS);
  return days < OLD_DAYS ? undefined : `The last verified backup is ${days} days old: ${how}.`;
}
