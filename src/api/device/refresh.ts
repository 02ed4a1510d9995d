import type { Hono } from 'hono';
import { combine, type CombinedConstraint, constraintOf, type SnapConstraint } from '../../snaps/index.ts';
import { decoded, findVisible } from './assertion-finder.ts';
import type { CatalogSnap } from './catalog-snap.ts';
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
import { answerAction, json, type ResultBytes, type Round, unknownSnap } from './refresh-actions.ts';
import { parseRefresh, REFRESH_BODY_MAX, type RefreshRequest, type SnapAction } from './refresh-request.ts';
import type { Renderings } from './renderings.ts';

const OPENING = Buffer.from('{"results":[');
const COMMA = Buffer.from(',');
const FREE: CombinedConstraint = { kind: 'free' };

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
    const results: ResultBytes[] = [];
    for (const action of request.actions) {
      if (action.action === 'fetch-assertions') {
        const formats = request['assertion-max-formats'] ?? {};
        results.push([json(await fetchAssertions(deps.database.queries, visit, action, formats))]);
        continue;
      }
      const snap = snaps.get(action);
      if (snap === undefined) {
        results.push(unknownSnap(action));
        continue;
      }
      const sets = setsOf(round, action);
      const constraint = sets.length === 0 ? FREE : await constraintFrom(deps, visit, sets, snap.snapId);
      const result = answerAction(round, action, snap, constraint, renderings);
      if (result === undefined) continue;
      // Declarations of a newer format come after the snapd that reads them (seed 002).
      if (snap.type === 'snapd') results.unshift(result);
      else results.push(result);
    }
    const parts = results.flatMap((result, index) => (index === 0 ? result : [COMMA, ...result]));
    return jsonAnswer(
      Buffer.concat([OPENING, ...parts, Buffer.from(`],"error-list":${JSON.stringify(warnings(visit))}}`)]),
    );
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

function setsOf(round: Round, action: SnapAction): readonly (readonly string[])[] {
  return action['validation-sets'] ?? round.context.get(action['instance-key'])?.['validation-sets'] ?? [];
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
