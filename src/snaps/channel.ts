import { SnapError } from './errors.ts';
import { quote } from './names.ts';

/** The four risks, from the safest to the most daring: a closed one falls back towards the safe end. */
export const RISKS = ['stable', 'candidate', 'beta', 'edge'] as const;

export type Risk = (typeof RISKS)[number];

/** The track that every snap has unless its publisher says otherwise. */
const LATEST_TRACK = 'latest';

/** A place a revision is released to. */
export interface Channel {
  readonly track: string;
  readonly risk: Risk;
  readonly branch: string | undefined;
}

/** A channel as someone wrote it: whether the track was named decides if a default track applies. */
export interface RequestedChannel extends Channel {
  readonly trackGiven: boolean;
}

const TRACK = /^[a-zA-Z0-9](?:[-_.]?[a-zA-Z0-9])*$/;
const TRACK_MAX = 28;
const BRANCH = /^[a-zA-Z0-9](?:[-_.]?[a-zA-Z0-9])*$/;
const BRANCH_MAX = 128;

/** Whether the word is one of the four risks. */
export function isRisk(word: string): word is Risk {
  return RISKS.some((risk) => risk === word);
}

/** Whether the word can name a track. A risk cannot. */
function isTrack(word: string): boolean {
  return word.length <= TRACK_MAX && TRACK.test(word) && !isRisk(word);
}

function isBranch(word: string): boolean {
  return word.length <= BRANCH_MAX && BRANCH.test(word);
}

/**
 * Reads `""`, `risk`, `track`, `track/risk`, `risk/branch` or `track/risk/branch`.
 * Throws `channel-invalid`.
 */
export function parseChannel(text: string): RequestedChannel {
  const words = text === '' ? ['stable'] : text.split('/');
  const [first = '', second, third] = words;
  if (isRisk(first) && words.length <= 2) {
    return requested(text, LATEST_TRACK, first, second, false);
  }
  if (words.length <= 3 && isTrack(first)) {
    const risk = second ?? 'stable';
    if (isRisk(risk)) return requested(text, first, risk, third, true);
  }
  throw invalid(text);
}

function requested(
  text: string,
  track: string,
  risk: Risk,
  branch: string | undefined,
  trackGiven: boolean,
): RequestedChannel {
  if (branch !== undefined && !isBranch(branch)) throw invalid(text);
  return { track, risk, branch, trackGiven };
}

function invalid(text: string): SnapError {
  return new SnapError(
    'channel-invalid',
    `cannot read the channel ${quote(text)}: write risk, track/risk or track/risk/branch, where risk is one of ${RISKS.join(', ')}`,
  );
}

/** The full name, always with its track: `latest/stable`, `2.0/edge/fix-1`. */
export function channelName(channel: Channel): string {
  const name = `${channel.track}/${channel.risk}`;
  return channel.branch === undefined ? name : `${name}/${channel.branch}`;
}

/** The name as channel maps show it: without the track when that is `latest`. */
export function shortChannelName(channel: Channel): string {
  const name = channel.track === LATEST_TRACK ? channel.risk : `${channel.track}/${channel.risk}`;
  return channel.branch === undefined ? name : `${name}/${channel.branch}`;
}

/** Whether both name the same place. */
export function sameChannel(a: Channel, b: Channel): boolean {
  return a.track === b.track && a.risk === b.risk && a.branch === b.branch;
}

/** Where a request looks, nearest first: its branch, its risk, then each safer risk of the same track. */
export function fallbacks(channel: Channel): Channel[] {
  const { track } = channel;
  const places: Channel[] = [];
  if (channel.branch !== undefined) places.push(channel);
  for (let i = RISKS.indexOf(channel.risk); i >= 0; i--) {
    const risk = RISKS[i];
    if (risk !== undefined) places.push({ track, risk, branch: undefined });
  }
  return places;
}

/** Sort order of channels in a map: the first track first, in it the safest risk, then branches by name. */
export function compareChannels(firstTrack: string): (a: Channel, b: Channel) => number {
  return (a, b) => {
    if (a.track !== b.track) {
      if (a.track === firstTrack) return -1;
      if (b.track === firstTrack) return 1;
      return a.track < b.track ? -1 : 1;
    }
    const byRisk = RISKS.indexOf(a.risk) - RISKS.indexOf(b.risk);
    if (byRisk !== 0) return byRisk;
    const [x, y] = [a.branch ?? '', b.branch ?? ''];
    return x < y ? -1 : x > y ? 1 : 0;
  };
}
