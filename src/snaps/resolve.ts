import { type Channel, fallbacks, type RequestedChannel } from './channel.ts';
import type { ChannelMap, OpenRelease } from './channel-map.ts';
import { isInRollout, type RolloutSubject } from './rollout.ts';

/** One question: what does this device get from that channel? */
export interface ChannelQuestion extends RolloutSubject {
  readonly channel: RequestedChannel;
  readonly architecture: string;
  /** The moment whose map counts: now, or the moment a cohort was fixed. */
  readonly at: Date;
  /** The snap's default track, and whether the client understands being sent there. */
  readonly defaultTrack: string | undefined;
  readonly followsDefaultTrack: boolean;
  /** Whether the device can go to this revision (its epoch, mainly). */
  readonly acceptable: (revision: number) => boolean;
}

/** The answer to a channel question. */
export type ChannelAnswer =
  | {
      readonly found: true;
      readonly release: OpenRelease;
      /** Where it was found: the channel asked for or a safer one. */
      readonly effective: Channel;
      /** Set when the default track took the place of an unnamed one. */
      readonly redirect: Channel | undefined;
    }
  /** `closed`: nothing there nor in any safer risk. `unacceptable`: something, but nothing this device can take. */
  | { readonly found: false; readonly reason: 'closed' | 'unacceptable' };

/**
 * Finds the revision a device gets from a channel.
 *
 * A closed channel or ended branch falls back to its risk and then to each safer risk of the same track. In an open
 * channel the newest release counts that includes this device (progressive releases) and that it can take; when the
 * newest has an epoch too far ahead, an earlier release of the same channel is the step in between.
 */
export function resolveChannel(map: ChannelMap, question: ChannelQuestion): ChannelAnswer {
  const redirect = defaultTrackOf(map, question);
  const asked = redirect ?? question.channel;
  for (const place of fallbacks(asked)) {
    const slot = map.slot(place, question.architecture, question.at);
    const included = slot.filter((release) => includes(release, question));
    if (included.length === 0) continue;
    const release = included.find((each) => question.acceptable(each.revision));
    if (release === undefined) return { found: false, reason: 'unacceptable' };
    return { found: true, release, effective: place, redirect };
  }
  return { found: false, reason: 'closed' };
}

function defaultTrackOf(map: ChannelMap, question: ChannelQuestion): Channel | undefined {
  const { defaultTrack: track, channel } = question;
  if (track === undefined || track === channel.track || channel.trackGiven) return undefined;
  if (!question.followsDefaultTrack || !map.hasTrack(track)) return undefined;
  return { track, risk: channel.risk, branch: channel.branch };
}

function includes(release: OpenRelease, question: ChannelQuestion): boolean {
  if (release.rollout === undefined) return true;
  return isInRollout(release.rollout, release.revision, question);
}
