import { type Channel, channelName, parseChannel, type RequestedChannel } from './channel.ts';
import type { ChannelMap } from './channel-map.ts';
import { runsOn } from './architecture.ts';
import { canRead, type Epoch } from './epoch.ts';
import { type ChannelAnswer, resolveChannel } from './resolve.ts';
import type { CombinedConstraint } from './validation-set.ts';

/** What decisions need to know of a revision. */
export interface DecidableRevision {
  readonly revision: number;
  readonly architectures: readonly string[];
  readonly epoch: Epoch;
}

/** What decisions need to know of a snap. */
export interface DecidableSnap<Revision extends DecidableRevision = DecidableRevision> {
  readonly snapId: string;
  readonly defaultTrack: string | undefined;
  readonly channels: ChannelMap;
  readonly revisions: ReadonlyMap<number, Revision>;
}

/** One install, download or refresh, with everything that bears on it (protocol/devices.md 3.1). */
export interface SnapRequest {
  readonly action: 'install' | 'download' | 'refresh';
  readonly architecture: string;
  /** The channel that the action names. */
  readonly channel: RequestedChannel | undefined;
  /** The revision that the action insists on. */
  readonly revision: number | undefined;
  /** What is on the device: for a refresh always, for an install its data from before. */
  readonly installed: { readonly revision: number | undefined; readonly epoch: Epoch } | undefined;
  /** Where the device follows the snap; counts when the action names no channel. */
  readonly tracking: RequestedChannel | undefined;
  readonly constraint: CombinedConstraint;
  readonly followsDefaultTrack: boolean;
  /** The device's or its cohort's stable name. */
  readonly identity: string | undefined;
  /** The moment whose channel map counts: now, or the cohort's. */
  readonly at: Date;
}

/** What the store says to one request. */
export type Decision<Revision extends DecidableRevision = DecidableRevision> =
  | {
      readonly kind: 'revision';
      readonly revision: Revision;
      readonly effective: Channel | undefined;
      readonly redirect: Channel | undefined;
      /** Since when the channel has it; undefined for a revision that was asked for by number. */
      readonly releasedAt: Date | undefined;
    }
  /** The device has what it would get; its components may still differ. */
  | { readonly kind: 'up-to-date'; readonly revision: Revision; readonly effective: Channel | undefined }
  | {
      readonly kind: 'error';
      readonly code: 'revision-not-found' | 'revision-conflict';
      readonly message: string;
      /** Where the snap could be had instead. */
      readonly releases: readonly { readonly architecture: string; readonly channel: string }[];
    };

const DEFAULT_CHANNEL = parseChannel('stable');

/** Decides one request on a snap that the device may see. */
export function decide<Revision extends DecidableRevision>(
  snap: DecidableSnap<Revision>,
  request: SnapRequest,
): Decision<Revision> {
  const { constraint } = request;
  if (constraint.kind === 'forbidden')
    return refuse(snap, request, 'The validation sets do not allow this snap');
  if (constraint.kind === 'conflict') {
    const list = constraint.revisions.join(' and ');
    return conflict(`The validation sets demand different revisions: ${list}`);
  }
  const pinned = constraint.kind === 'pinned' ? constraint.revision : undefined;
  if (pinned !== undefined && request.revision !== undefined && pinned !== request.revision) {
    return conflict(`The validation sets demand revision ${pinned}, not ${request.revision}`);
  }
  const wanted = request.revision ?? pinned;
  return wanted === undefined ? byChannel(snap, request) : byRevision(snap, request, wanted);
}

function byRevision<Revision extends DecidableRevision>(
  snap: DecidableSnap<Revision>,
  request: SnapRequest,
  wanted: number,
): Decision<Revision> {
  const revision = snap.revisions.get(wanted);
  if (revision === undefined || !runsOn(revision.architectures, request.architecture)) {
    return refuse(snap, request, 'No revision available as specified');
  }
  const effective = request.channel ?? request.tracking;
  if (hasIt(request, revision)) return { kind: 'up-to-date', revision, effective };
  return { kind: 'revision', revision, effective, redirect: undefined, releasedAt: undefined };
}

function byChannel<Revision extends DecidableRevision>(
  snap: DecidableSnap<Revision>,
  request: SnapRequest,
): Decision<Revision> {
  const answer = ask(snap, request);
  if (!answer.found) {
    return refuse(
      snap,
      request,
      answer.reason === 'closed'
        ? 'No revision available in the channel'
        : 'No revision in the channel can take over the data of the installed one',
    );
  }
  const revision = snap.revisions.get(answer.release.revision);
  if (revision === undefined) return refuse(snap, request, 'No revision available in the channel');
  const { effective, redirect } = answer;
  if (hasIt(request, revision)) return { kind: 'up-to-date', revision, effective };
  return { kind: 'revision', revision, effective, redirect, releasedAt: answer.release.releasedAt };
}

function hasIt(request: SnapRequest, revision: DecidableRevision): boolean {
  return request.action === 'refresh' && request.installed?.revision === revision.revision;
}

function ask(snap: DecidableSnap, request: SnapRequest): ChannelAnswer {
  const named = request.channel ?? request.tracking ?? DEFAULT_CHANNEL;
  const acceptable = (number: number): boolean => {
    const revision = snap.revisions.get(number);
    if (revision === undefined || !runsOn(revision.architectures, request.architecture)) return false;
    return request.installed === undefined || canRead(revision.epoch, request.installed.epoch);
  };
  return resolveChannel(snap.channels, {
    channel: named,
    architecture: request.architecture,
    at: request.at,
    defaultTrack: snap.defaultTrack,
    // A refresh stays where it is: only a first install is sent to the default track.
    followsDefaultTrack: request.followsDefaultTrack && request.action !== 'refresh',
    identity: request.identity,
    installed: request.installed?.revision,
    acceptable,
  });
}

function refuse(snap: DecidableSnap, request: SnapRequest, message: string): Decision<never> {
  const entries = snap.channels.entries(request.at, snap.defaultTrack ?? 'latest');
  const releases = entries.map(({ architecture, channel }) => ({
    architecture,
    channel: channelName(channel),
  }));
  return { kind: 'error', code: 'revision-not-found', message, releases };
}

function conflict(message: string): Decision<never> {
  return { kind: 'error', code: 'revision-conflict', message, releases: [] };
}
