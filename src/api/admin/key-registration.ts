import { setTimeout as delay } from 'node:timers/promises';
import { Hono } from 'hono';
import { z } from 'zod';

import { registrationOffline } from '../../activities/submit-key-request.ts';
import { isSameBounds, type KeyBounds } from '../../assertions/index.ts';
import { checkKeyBounds, keyBoundsFields } from '../../devices/index.ts';
import { AirlockError } from '../../errors.ts';
import { boundSigningKey, type SigningKeyRecord } from '../../storage/model-service/index.ts';
import type { RegisterSigningKeyInput } from '../../workflows/serials-contract.ts';
import { accountKeyOf, accountKeyRequestOf } from './account-keys.ts';
import {
  conflict,
  jsonBody,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { change } from './model-lookup.ts';
import { isBounded, signingKeyOfPath } from './signing-keys.ts';

const registration = z.object({
  deliver: z.enum(['upstream', 'file']).default('file'),
  ...keyBoundsFields,
});

/** How often a registration looks for its account-key at first, in seconds. */
const LOOK_EVERY = 30;
const STEP_MS = 100;

/**
 * `POST /v1/brand/{brand}/signing_key/{sha3-384}/register`: makes the account-key-request of a key on the HSM and answers with
 * it, for whoever carries it to the store that vouches for the brand's keys; with `{"deliver": "upstream"}` this host hands it
 * over itself. The registration ends by itself when the account-key is pushed.
 */
export function keyRegistrationRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.post('/:key/register', view('register_signing_key'), async (c) => {
    const key = await signingKeyOfPath(deps, c);
    const keyId = key.keyId ?? '';
    const asked = await jsonBody(c, registration);
    const { deliver } = asked;
    const bounds = checkKeyBounds(asked, { brandId: key.brandId, now: deps.clock() });
    if (isBounded(bounds)) await bound(deps, c, key, bounds);
    const registered = await accountKeyOf(deps.database.queries, keyId);
    if (registered === undefined) {
      const input = { keyId, actor: c.get('actor'), deliver, lookEverySeconds: LOOK_EVERY };
      if (deliver === 'file') await deps.processes.registerSigningKey(input);
      else await handOver(deps, input);
    }
    const request = await waitForRequest(deps, keyId, registered !== undefined);
    return c.json({
      name: key.name,
      'sha3-384': keyId,
      state: registered === undefined ? 'awaiting-account-key' : 'registered',
      'account-key-request': request ?? null,
    });
  });
  return app;
}

/** Sets the bounds that the request will ask for, and leaves those that are not given; once it is signed all of them stand. */
async function bound(
  deps: AdminApiDeps,
  c: AdminContext,
  key: SigningKeyRecord,
  bounds: KeyBounds,
): Promise<void> {
  const keyId = key.keyId ?? '';
  const present = key.bounds ?? {};
  if (isSameBounds(present, { ...present, ...bounds })) return;
  await change(deps, c, { act: 'key.bound', subject: keyId, details: { ...bounds } }, async (tx, at) => {
    if (await boundSigningKey(tx, keyId, bounds, { at, actor: c.get('actor') })) return;
    throw conflict(
      'registration-requested',
      `cannot register signing key '${key.name}' with other bounds: its account-key-request is signed already; make another key`,
    );
  });
}

async function handOver(deps: AdminApiDeps, input: RegisterSigningKeyInput): Promise<void> {
  if (!(await deps.hasAuthority())) throw registrationOffline();
  const seconds = await deps.readTimeout();
  if (await deps.processes.handOverKeyRequest(input, seconds * 1000)) return;
  throw new AirlockError(
    'unavailable',
    'remote-service-unavailable',
    `cannot say yet that the key is registered: the outside store has not answered for ${String(seconds)} s; it goes on, ask again`,
  );
}

async function waitForRequest(
  deps: AdminApiDeps,
  keyId: string,
  registered: boolean,
): Promise<string | undefined> {
  const steps = registered ? 0 : ((await deps.readTimeout()) * 1000) / STEP_MS;
  for (let step = 0; ; step += 1) {
    const request = await accountKeyRequestOf(deps.database.queries, keyId);
    if (request !== undefined || registered) return request;
    if (step >= steps) {
      throw new AirlockError(
        'unavailable',
        'remote-service-unavailable',
        'cannot give the account-key-request yet: the HSM does not answer; it goes on, ask again',
      );
    }
    await delay(STEP_MS);
  }
}
