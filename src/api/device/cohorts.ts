import type { Hono } from 'hono';
import { z } from 'zod';
import { AirlockError } from '../../errors.ts';
import { makeCohortKey } from '../../snaps/index.ts';
import type { DeviceApiDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { badRequest, type DeviceEnv, jsonAnswer, notFound, readJson } from './http.ts';
import { purposeKey } from './session-tokens.ts';

/** The body of POST /v2/cohorts. */
export const cohortsSchema = z.object({ snaps: z.array(z.string().max(64)).min(1).max(200) });

/** POST /v2/cohorts: keys under which several devices see the same revisions (protocol/devices.md 3.6). */
export function cohortsRoute(app: Hono<DeviceEnv>, deps: DeviceApiDeps, gate: Gate): void {
  app.post('/v2/cohorts', async (c) => {
    const visit = await gate.enter(c);
    const parsed = cohortsSchema.safeParse(await readJson(c, 64 * 1024));
    if (!parsed.success)
      throw badRequest('cannot read the request: it must list the names of 1 to 200 snaps');
    const [secret] = visit.secrets;
    if (secret === undefined) {
      throw new AirlockError(
        'unavailable',
        'device-auth-inactive',
        'cannot make cohorts: device authentication is not activated here',
      );
    }
    const keys: Record<string, string> = {};
    for (const name of parsed.data.snaps) {
      const snap = await visit.catalog.visibleSnapNamed(visit.viewer, name);
      if (snap === undefined) throw notFound('a snap of that name');
      const nonce = Buffer.from(deps.random(8)).toString('hex');
      keys[name] = makeCohortKey(snap.snapId, visit.now, nonce, purposeKey(secret.secret, 'cohort'));
    }
    return jsonAnswer(JSON.stringify({ 'cohort-keys': keys }));
  });
}
