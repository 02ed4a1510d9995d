import type { Hono } from 'hono';
import {
  channelName,
  type Cohort,
  cohortMoment,
  combine,
  type CombinedConstraint,
  constraintOf,
  decide,
  type Decision,
  type Epoch,
  parseChannel,
  parseEpoch,
  readCohortKey,
  type RequestedChannel,
  type SnapConstraint,
} from '../../snaps/index.ts';
import { clientError } from '../errors.ts';
import { decoded, findVisible } from './assertion-finder.ts';
import type { CatalogRevision, CatalogSnap } from './catalog-snap.ts';
import type { DeviceApiDeps } from './deps.ts';
import { fetchAssertions } from './fetch-assertions.ts';
import type { Gate, Visit } from './gate.ts';
import {
  architectureOf,
  type DeviceContext,
  type DeviceEnv,
  followsDefaultTrack,
  jsonAnswer,
  readJson,
} from './http.ts';
import {
  type ContextEntry,
  parseRefresh,
  REFRESH_BODY_MAX,
  type RefreshRequest,
  type SnapAction,
} from './refresh-request.ts';
import type { Renderings } from './renderings.ts';
import { purposeKey } from './session-tokens.ts';

/** What bears on every action of one refresh. */
interface Round {
  readonly visit: Visit;
  readonly request: RefreshRequest;
  readonly context: ReadonlyMap<string, ContextEntry>;
  readonly architecture: string;
  readonly followsDefaultTrack: boolean;
  readonly takesDeltas: boolean;
  readonly fields: string;
}

/** POST /v2/snaps/refresh: install, download, refresh and fetch-assertions (protocol/devices.md 3.1). */
export function refreshRoute(
  app: Hono<DeviceEnv>,
  deps: DeviceApiDeps,
  gate: Gate,
  renderings: Renderings,
): void {
  app.post('/v2/snaps/refresh', async (c) => {
    const visit = await gate.enter(c);
    const request = parseRefresh(await readJson(c, REFRESH_BODY_MAX));
    const round = roundOf(c, visit, request);
    const snaps = await snapsOf(round);
    const results: string[] = [];
    for (const action of request.actions) {
      if (action.action === 'fetch-assertions') {
        const formats = request['assertion-max-formats'] ?? {};
        results.push(JSON.stringify(await fetchAssertions(deps.database.queries, visit, action, formats)));
        continue;
      }
      const snap = snaps.get(action);
      const result =
        snap === undefined ? unknownSnap(action) : await answerAction(deps, round, action, snap, renderings);
      if (result === undefined) continue;
      // Declarations of a newer format come after the snapd that reads them (seed 002).
      if (snap?.type === 'snapd') results.unshift(result);
      else results.push(result);
    }
    return jsonAnswer(`{"results":[${results.join(',')}],"error-list":${JSON.stringify(warnings(visit))}}`);
  });
}

function roundOf(c: DeviceContext, visit: Visit, request: RefreshRequest): Round {
  return {
    visit,
    request,
    context: new Map((request.context ?? []).map((entry) => [entry['instance-key'], entry])),
    architecture: architectureOf(c),
    followsDefaultTrack: followsDefaultTrack(c),
    takesDeltas: c.req.header('snap-accept-delta-format')?.includes('xdelta3') ?? false,
    fields: request.fields?.join(',') ?? '',
  };
}

/** A session past its soft end still serves, and the device is asked to renew it (protocol/devices.md section 2). */
function warnings({ session, now }: Visit): unknown[] {
  if (session === undefined || session.softEnd > now) return [];
  return [
    {
      code: 'device-authorization-needs-refresh',
      message: 'cannot serve this session much longer: renew it',
    },
  ];
}

/** The snaps that the actions are about, as far as they exist and the device may know of them. */
async function snapsOf(round: Round): Promise<Map<SnapAction, CatalogSnap>> {
  const { catalog, viewer } = round.visit;
  const actions = round.request.actions.filter((action) => action.action !== 'fetch-assertions');
  const names = actions.flatMap((action) => (hasId(action) ? [] : [action.name ?? '']));
  const ids = names.length === 0 ? new Map<string, string>() : await catalog.idsByName(names);
  const idOf = (action: SnapAction): string =>
    hasId(action) ? action['snap-id'] : (ids.get(action.name ?? '') ?? '');
  const wanted = actions.map(idOf).filter((id) => id !== '');
  const snaps = await catalog.snaps(wanted);
  const visible = new Map<SnapAction, CatalogSnap>();
  for (const action of actions) {
    const snap = snaps.get(idOf(action));
    if (snap !== undefined && catalog.sees(viewer, snap)) visible.set(action, snap);
  }
  return visible;
}

function hasId(action: SnapAction): action is SnapAction & { 'snap-id': string } {
  return typeof action['snap-id'] === 'string' && action['snap-id'] !== '';
}

function unknownSnap(action: SnapAction): string {
  const code = hasId(action) ? 'id-not-found' : 'name-not-found';
  return errorResult(
    action,
    { snapId: action['snap-id'] ?? '', name: action.name ?? '' },
    code,
    'No snap found',
    [],
  );
}

async function answerAction(
  deps: DeviceApiDeps,
  round: Round,
  action: SnapAction,
  snap: CatalogSnap,
  renderings: Renderings,
): Promise<string | undefined> {
  let decision: Decision<CatalogRevision>;
  try {
    decision = await decideAction(deps, round, action, snap);
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
  const channel =
    decision.effective === undefined ? '' : `"effective-channel":"${channelName(decision.effective)}",`;
  const redirect =
    decision.kind === 'revision' && decision.redirect !== undefined
      ? `"redirect-channel":"${channelName(decision.redirect)}",`
      : '';
  const key = JSON.stringify(action['instance-key']);
  return `{"result":"${action.action}","instance-key":${key},"snap-id":"${snap.snapId}","name":"${snap.name}",${channel}${redirect}"snap":${object}}`;
}

async function decideAction(
  deps: DeviceApiDeps,
  round: Round,
  action: SnapAction,
  snap: CatalogSnap,
): Promise<Decision<CatalogRevision>> {
  const entry = round.context.get(action['instance-key']);
  const cohort = cohortOf(round, action, entry, snap);
  const { now, session } = round.visit;
  const sets = action['validation-sets'] ?? entry?.['validation-sets'] ?? [];
  return decide(snap, {
    action: action.action,
    architecture: round.architecture,
    channel: channelOf(action.channel),
    revision: action.revision ?? undefined,
    installed: installedOf(action, entry),
    tracking: channelOf(entry?.['tracking-channel']),
    constraint: sets.length === 0 ? FREE : await constraintFrom(deps, round.visit, sets, snap.snapId),
    followsDefaultTrack: round.followsDefaultTrack,
    identity: cohort?.identity ?? (session && `${session.brandId}/${session.model}/${session.serial}`),
    at: cohort === undefined ? now : cohortMoment(cohort, now),
  });
}

const FREE: CombinedConstraint = { kind: 'free' };

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

async function constraintFrom(
  deps: DeviceApiDeps,
  visit: Visit,
  sets: readonly (readonly string[])[],
  snapId: string,
): Promise<CombinedConstraint> {
  const constraints: SnapConstraint[] = [];
  for (const [series = '', account = '', name = '', sequence] of sets) {
    const number = sequence !== undefined && /^[1-9][0-9]{0,8}$/.test(sequence) ? Number(sequence) : 'latest';
    const kept = await findVisible(deps.database.queries, visit, {
      type: 'validation-set',
      sequenceKey: [series, account, name],
      sequence: number,
      maxFormat: undefined,
    });
    // A set that is not here binds nobody here; the device enforces its sets itself.
    const constraint = kept && constraintOf(decoded(kept).headers, snapId);
    if (constraint !== undefined) constraints.push(constraint);
  }
  return combine(constraints);
}

function errorResult(
  action: SnapAction,
  snap: { readonly snapId: string; readonly name: string },
  code: string,
  message: string,
  releases: readonly unknown[],
): string {
  return JSON.stringify({
    result: 'error',
    'instance-key': action['instance-key'],
    'snap-id': snap.snapId,
    name: snap.name,
    error: { code, message, extra: { releases } },
  });
}
