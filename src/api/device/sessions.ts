import type { Hono } from 'hono';
import { z } from 'zod';
import { mintNonce, NONCE_LIFE_SECONDS, NONCE_RANDOM_BYTES } from '../../devices/session-nonces.ts';
import type { DeviceApiDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { badRequest, type DeviceEnv, jsonAnswer, readJson } from './http.ts';
import { inactive, SessionOpener } from './session-opener.ts';
import { purposeKey } from './session-tokens.ts';

/** Three assertions with headers of ordinary size; a model with hundreds of snaps fits many times over. */
const BODY_MAX = 1024 * 1024;

/** The body of POST /api/v1/snaps/auth/sessions: three assertions as text. */
export const sessionSchema = z.object({
  'device-session-request': z.string().max(64 * 1024),
  'serial-assertion': z.string().max(512 * 1024),
  'model-assertion': z.string().max(512 * 1024),
});

/**
 * Nonces and device sessions (protocol/devices.md section 2). Nothing here is ever a 401: it would send snapd in
 * circles. The session that a device brings when it renews tells nothing that its assertions do not prove.
 */
export function sessionRoutes(app: Hono<DeviceEnv>, deps: DeviceApiDeps, gate: Gate): void {
  const opener = new SessionOpener(deps, gate);

  app.post('/api/v1/snaps/auth/nonces', async () => {
    const { secrets } = await gate.held();
    const [present] = secrets;
    if (present === undefined) throw inactive();
    const nonce = mintNonce({
      secret: purposeKey(present.secret, 'nonce'),
      random: deps.random(NONCE_RANDOM_BYTES),
      expiresAt: new Date(deps.clock().getTime() + NONCE_LIFE_SECONDS * 1000),
    });
    return jsonAnswer(JSON.stringify({ nonce }));
  });

  app.post('/api/v1/snaps/auth/sessions', async (c) => {
    const parsed = sessionSchema.safeParse(await readJson(c, BODY_MAX));
    if (!parsed.success) {
      throw badRequest(
        'cannot read the request: it must have device-session-request, serial-assertion and model-assertion',
      );
    }
    const macaroon = await opener.open(
      {
        request: parsed.data['device-session-request'],
        serial: parsed.data['serial-assertion'],
        model: parsed.data['model-assertion'],
      },
      c.req.header('user-agent'),
    );
    return jsonAnswer(JSON.stringify({ macaroon }));
  });
}
