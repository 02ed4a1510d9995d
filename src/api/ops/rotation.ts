import { Hono } from 'hono';
import { z } from 'zod';
import { appendAct, resealAll, rotateDeviceSecret } from '../../storage/index.ts';
import { sealName } from '../admin/model-lookup.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';

const HOUR_MS = 3_600_000;
const GRACE_MAX_HOURS = 24 * 90;

/** POST /rotations/device-secret: sessions under the secret before stay good for so long; 0 ends them at once. */
const deviceSecretRotation = z.object({
  graceHours: z.number().min(0).max(GRACE_MAX_HOURS).default(24),
});

type RotationDeps = Pick<OpsDeps, 'database' | 'settings' | 'masterKeys' | 'clock' | 'random'>;

/** New secrets in the place of old ones. */
export function rotationRoutes(deps: RotationDeps): Hono {
  const app = new Hono();

  app.post('/rotations/device-secret', async (context) => {
    const { graceHours } = await jsonBody(context, deviceSecretRotation);
    const now = deps.clock();
    const until = new Date(now.getTime() + graceHours * HOUR_MS);
    await rotateDeviceSecret(deps.settings, Buffer.from(deps.random(32)).toString('hex'), until, now);
    await log(deps, 'device-secret.rotate', `until ${until.toISOString()}`);
    return context.json({ until: until.toISOString() });
  });

  app.post('/rotations/master-key', async (context) => {
    const keyId = await deps.masterKeys.rotate();
    const { masterKeys, database } = deps;
    const resealed = await resealAll(database, (name, sealed) => masterKeys.reseal(name, sealed), sealName);
    await log(deps, 'master-key.rotate', keyId);
    return context.json({ keyId, resealed });
  });
  return app;
}

async function log(deps: RotationDeps, act: string, subject: string): Promise<void> {
  await appendAct(deps.database.queries, { at: deps.clock(), actor: 'operator', act, subject });
}
