import { channelName, type Channel, type Risk } from '../snaps/index.ts';
import { PublisherError } from './errors.ts';
import type { UploadedSnap } from './uploads.ts';

/** Risks to which only finished, confined snaps may go. */
const GUARDED_RISKS: readonly Risk[] = ['stable', 'candidate'];

/**
 * Refuses a release that breaks the store's rule: what is built as `devel`, or runs unconfined in `devmode`, stays in
 * beta and edge.
 *
 * @throws PublisherError `release-refused`
 */
export function checkRelease(
  snap: Pick<UploadedSnap, 'name' | 'grade' | 'confinement'>,
  channel: Channel,
): void {
  if (!GUARDED_RISKS.includes(channel.risk)) return;
  const why = unfinished(snap);
  if (why === undefined) return;
  const sentence = `cannot release ${snap.name} to ${channelName(channel)}: ${why}; use beta or edge`;
  throw new PublisherError('forbidden', 'release-refused', sentence);
}

function unfinished(snap: Pick<UploadedSnap, 'grade' | 'confinement'>): string | undefined {
  if (snap.grade === 'devel') return 'its grade is "devel"';
  if (snap.confinement === 'devmode') return 'its confinement is "devmode"';
  return undefined;
}
