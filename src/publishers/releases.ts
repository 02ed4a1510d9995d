import { fullChannelName } from './channel-patterns.ts';
import { PublisherError } from './errors.ts';
import type { UploadedSnap } from './uploads.ts';

/** Risks to which only finished, confined snaps may go. */
const GUARDED_RISKS = new Set(['stable', 'candidate']);
const CHANNEL = /^[a-z0-9][a-zA-Z0-9._-]{0,127}(?:\/[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}){0,2}$/;
const RISKS: readonly string[] = ['stable', 'candidate', 'beta', 'edge'];

/** A channel taken apart. */
export interface ReleaseChannel {
  readonly track: string;
  readonly risk: string;
  readonly branch: string | undefined;
  /** `track/risk` or `track/risk/branch`. */
  readonly name: string;
}

/**
 * Reads a channel as publishers type it: `edge`, `latest/edge`, `1.0/stable/hotfix`.
 *
 * @throws PublisherError `invalid-field`
 */
export function parseReleaseChannel(text: string): ReleaseChannel {
  const name = fullChannelName(text);
  const [track, risk, branch, ...more] = name.split('/');
  const wellFormed = CHANNEL.test(text) && more.length === 0;
  if (!wellFormed || track === undefined || risk === undefined || !RISKS.includes(risk)) {
    const sentence = `cannot use the channel "${text.slice(0, 80)}": write RISK, TRACK/RISK or TRACK/RISK/BRANCH, with a risk of ${RISKS.join(', ')}`;
    throw new PublisherError('invalid', 'invalid-field', sentence);
  }
  return { track, risk, branch, name };
}

/**
 * Refuses a release that breaks the store's rule: what is built as `devel`, or runs unconfined in `devmode`, stays in
 * beta and edge.
 *
 * @throws PublisherError `release-refused`
 */
export function checkRelease(
  snap: Pick<UploadedSnap, 'name' | 'grade' | 'confinement'>,
  channel: ReleaseChannel,
): void {
  if (!GUARDED_RISKS.has(channel.risk)) return;
  const why =
    snap.grade === 'devel'
      ? 'its grade is "devel"'
      : snap.confinement === 'devmode'
        ? 'its confinement is "devmode"'
        : undefined;
  if (why === undefined) return;
  const sentence = `cannot release ${snap.name} to ${channel.name}: ${why}; use beta or edge`;
  throw new PublisherError('forbidden', 'release-refused', sentence);
}
