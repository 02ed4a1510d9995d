import {
  channelName,
  type Cohort,
  cohortMoment,
  type CombinedConstraint,
  decide,
  type Decision,
  type Epoch,
  parseChannel,
  parseEpoch,
  readCohortKey,
  type RequestedChannel,
} from '../../snaps/index.ts';
import { clientError } from '../errors.ts';
import type { CatalogRevision, CatalogSnap } from './catalog-snap.ts';
import type { Visit } from './gate.ts';
import type { ContextEntry, RefreshRequest, SnapAction } from './refresh-request.ts';
import type { Renderings } from './renderings.ts';
import { purposeKey } from './session-tokens.ts';

/** What bears on every action of one refresh. */
export interface Round {
  readonly visit: Visit;
  readonly request: RefreshRequest;
  readonly context: ReadonlyMap<string, ContextEntry>;
  readonly architecture: string;
  readonly followsDefaultTrack: boolean;
  readonly takesDeltas: boolean;
  /** The fields asked for, joined by commas. */
  readonly fields: string;
}

/** The text of one result, in pieces: most of it was rendered before and is not copied again. */
export type ResultBytes = readonly Uint8Array[];

const CLOSING = Buffer.from('}');

/** Any value as JSON. */
export function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** The result for a snap that does not exist or that the device may not know of. */
export function unknownSnap(action: SnapAction): ResultBytes {
  const id = action['snap-id'] ?? '';
  const snap = { snapId: id, name: action.name ?? '' };
  return errorResult(action, snap, id === '' ? 'name-not-found' : 'id-not-found', 'No snap found', []);
}

/** The result of one install, download or refresh; undefined when a refresh has nothing new. */
export function answerAction(
  round: Round,
  action: SnapAction,
  snap: CatalogSnap,
  constraint: CombinedConstraint,
  renderings: Renderings,
): ResultBytes | undefined {
  let decision: Decision<CatalogRevision>;
  try {
    decision = decideAction(round, action, snap, constraint);
  } catch (error) {
    // A channel, epoch or cohort key that is none spoils this action, not the others.
    const { status, code, message } = clientError(error);
    if (status !== 400) throw error;
    return errorResult(action, snap, code, message, []);
  }
  if (decision.kind === 'error') {
    return errorResult(action, snap, decision.code, decision.message, decision.releases);
  }
  const { revision } = decision;
  // A device that has the revision may still want other components of it; it compares them itself.
  const wantsComponents =
    revision.components.length > 0 && (round.request.fields?.includes('resources') ?? false);
  if (decision.kind === 'up-to-date' && !wantsComponents) return undefined;
  const installed = round.context.get(action['instance-key'])?.revision ?? undefined;
  const deltaFrom = round.takesDeltas ? installed : undefined;
  const { visit, fields } = round;
  const object = renderings.snap(snap, revision, { fields, deltaFrom }, visit.secrets, visit.base);
  return [Buffer.from(opening(action, snap, decision)), object, CLOSING];
}

function opening(
  action: SnapAction,
  snap: CatalogSnap,
  decision: Exclude<Decision, { kind: 'error' }>,
): string {
  const { effective } = decision;
  const { redirect, releasedAt } =
    decision.kind === 'revision' ? decision : { redirect: undefined, releasedAt: undefined };
  const key = JSON.stringify(action['instance-key']);
  const channel = effective === undefined ? '' : `"effective-channel":"${channelName(effective)}",`;
  const sentTo = redirect === undefined ? '' : `"redirect-channel":"${channelName(redirect)}",`;
  // No device reads it: a host that fetches leaves out by it what was offered before (--since).
  const since = releasedAt === undefined ? '' : `"released-at":"${releasedAt.toISOString()}",`;
  return `{"result":"${action.action}","instance-key":${key},"snap-id":"${snap.snapId}","name":"${snap.name}",${channel}${sentTo}${since}"snap":`;
}

function decideAction(
  round: Round,
  action: SnapAction,
  snap: CatalogSnap,
  constraint: CombinedConstraint,
): Decision<CatalogRevision> {
  const entry = round.context.get(action['instance-key']);
  const cohort = cohortOf(round, action, entry, snap);
  const { now, session } = round.visit;
  return decide(snap, {
    action: action.action,
    architecture: round.architecture,
    channel: channelOf(action.channel),
    revision: action.revision ?? undefined,
    installed: installedOf(action, entry),
    tracking: channelOf(entry?.['tracking-channel']),
    constraint,
    followsDefaultTrack: round.followsDefaultTrack,
    identity: cohort?.identity ?? (session && `${session.brandId}/${session.model}/${session.serial}`),
    at: cohort === undefined ? now : cohortMoment(cohort, now),
  });
}

function channelOf(text: string | null | undefined): RequestedChannel | undefined {
  return text === null || text === undefined || text === '' ? undefined : parseChannel(text);
}

function installedOf(
  action: SnapAction,
  entry: ContextEntry | undefined,
): { revision: number | undefined; epoch: Epoch } | undefined {
  if (entry !== undefined && action.action === 'refresh') {
    return { revision: entry.revision ?? undefined, epoch: parseEpoch(entry.epoch) };
  }
  // null says "no data from before", which any epoch can take over.
  return action.epoch === null || action.epoch === undefined
    ? undefined
    : { revision: undefined, epoch: parseEpoch(action.epoch) };
}

function cohortOf(
  round: Round,
  action: SnapAction,
  entry: ContextEntry | undefined,
  snap: CatalogSnap,
): Cohort | undefined {
  const key = action['cohort-key'] ?? entry?.['cohort-key'];
  if (key === undefined || key === null || key === '') return undefined;
  const secrets = round.visit.secrets.map(({ secret }) => purposeKey(secret, 'cohort'));
  return readCohortKey(key, snap.snapId, secrets);
}

function errorResult(
  action: SnapAction,
  snap: { readonly snapId: string; readonly name: string },
  code: string,
  message: string,
  releases: readonly unknown[],
): ResultBytes {
  return [
    json({
      result: 'error',
      'instance-key': action['instance-key'],
      'snap-id': snap.snapId,
      name: snap.name,
      error: { code, message, extra: { releases } },
    }),
  ];
}
