import { ANY_ARCHITECTURE } from './architecture.ts';
import { type Channel, channelName, compareChannels } from './channel.ts';
import type { Rollout } from './rollout.ts';

/** One act of a publisher: a revision put into a channel for an architecture, or the channel closed. */
export interface Release {
  readonly channel: Channel;
  /** A Debian architecture, or `all`. */
  readonly architecture: string;
  /** Undefined closes the channel for that architecture. */
  readonly revision: number | undefined;
  readonly releasedAt: Date;
  /** Branches end by themselves; undefined means never. */
  readonly expiresAt: Date | undefined;
  /** Undefined means for everybody. */
  readonly rollout: Rollout | undefined;
  /** When it was replaced or withdrawn; undefined while it counts. */
  readonly endedAt: Date | undefined;
}

/** A release that is in force and names a revision. */
export interface OpenRelease extends Release {
  readonly revision: number;
}

/**
 * What a channel offers for an architecture, in the order in which a device should take it: what is released now,
 * newest first, then what was released before, for devices that must step through an older epoch.
 */
export type Slot = readonly OpenRelease[];

const EMPTY: Slot = [];

/**
 * Every release of a snap, by channel. A later release for `all` replaces an earlier one for `amd64` on amd64
 * devices and the other way round, because each device sees the merged history of its own architecture and `all`.
 */
export class ChannelMap {
  readonly #byChannel = new Map<string, Release[]>();
  readonly #channels: Channel[] = [];

  /** Takes the releases in the order in which they were made; equal times keep that order. */
  constructor(releases: Iterable<Release>) {
    for (const release of releases) {
      const name = channelName(release.channel);
      let list = this.#byChannel.get(name);
      if (list === undefined) {
        this.#byChannel.set(name, (list = []));
        this.#channels.push(release.channel);
      }
      list.push(release);
    }
    for (const list of this.#byChannel.values()) {
      list.reverse().sort((a, b) => b.releasedAt.getTime() - a.releasedAt.getTime());
    }
  }

  /** Whether anything was ever released to the track. */
  hasTrack(track: string): boolean {
    return this.#channels.some((channel) => channel.track === track);
  }

  /**
   * What the channel offered at `at` for the architecture; empty when it was closed, expired or never used. A close
   * or an ended branch cuts off everything before it.
   */
  slot(channel: Channel, architecture: string, at: Date): Slot {
    const list = this.#byChannel.get(channelName(channel));
    if (list === undefined) return EMPTY;
    const known = list.filter(
      (release) =>
        release.releasedAt <= at &&
        (release.architecture === architecture || release.architecture === ANY_ARCHITECTURE),
    );
    const counts = (release: Release): boolean => release.endedAt === undefined || release.endedAt > at;
    const current = known.filter(counts);
    if (current.length === 0) return EMPTY;
    const past = known.filter((release) => !counts(release) && isForEverybody(release));
    const offered: OpenRelease[] = [];
    for (const release of [...current, ...past]) {
      const over = release.expiresAt !== undefined && release.expiresAt <= at;
      if (over || !isOpen(release)) break;
      offered.push(release);
    }
    return offered;
  }

  /** The channels with something in them at `at`, one entry for each architecture, as `snap info` lists them. */
  entries(at: Date, firstTrack: string, architecture?: string): OpenRelease[] {
    const channels = [...this.#channels].sort(compareChannels(firstTrack));
    const found: OpenRelease[] = [];
    for (const channel of channels) {
      const architectures = architecture === undefined ? this.#architecturesOf(channel) : [architecture];
      for (const each of architectures) {
        const current = this.slot(channel, each, at).find((release) => isForEverybody(release));
        if (current !== undefined && !found.includes(current)) found.push(current);
      }
    }
    return found;
  }

  #architecturesOf(channel: Channel): string[] {
    const releases = this.#byChannel.get(channelName(channel)) ?? [];
    return [...new Set(releases.map((release) => release.architecture))].sort();
  }
}

function isOpen(release: Release): release is OpenRelease {
  return release.revision !== undefined;
}

/** Whether the release no longer depends on who asks. */
function isForEverybody(release: Release): boolean {
  return release.rollout === undefined || (release.rollout.percentage >= 100 && !release.rollout.paused);
}
