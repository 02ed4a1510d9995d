import { setTimeout as delay } from 'node:timers/promises';
import { Hono } from 'hono';
import { z } from 'zod';

import { accountKeyOf } from '../../activities/signing-keys/policy-key.ts';
import { registrationOffline } from '../../activities/signing-keys/submit-request.ts';
import { isSameBounds, keyBounds, type Assertion, type KeyBounds } from '../../assertions/index.ts';
import { boundsInWords, checkKeyBounds, keyBoundsFields } from '../../devices/index.ts';
import { AirlockError } from '../../errors.ts';
import { appendAct } from '../../storage/index.ts';
import {
  beginRegistration,
  findSigningKey,
  type SigningKeyRecord,
} from '../../storage/model-service/index.ts';
import type { RegisterSigningKeyInput } from '../../workflows/serials-contract.ts';
import { accountKeyRequestOf } from './account-keys.ts';
import {
  conflict,
  jsonBody,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { isBounded, signingKeyOfPath } from './signing-keys.ts';

const registration = z.object({
  deliver: z.enum(['upstream', 'file']).default('file'),
  ...keyBoundsFields,
});

/** How often a registration looks for its account-key at first, in seconds. */
export const LOOK_EVERY = 30;
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
    const registered = await accountKeyOf(deps.database.queries, keyId);
    await begin(deps, c, { key, bounds, accountKey: registered });
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

/**
 * Begins the registration of a key, or joins the one that was begun before. A key is registered once, as the first asked for it: who asks
 * for other bounds is told which it has, and changes nothing. Throws `registration-requested`.
 */
async function begin(
  deps: AdminApiDeps,
  c: AdminContext,
  of: {
    readonly key: SigningKeyRecord;
    readonly bounds: KeyBounds;
    readonly accountKey: Assertion | undefined;
  },
): Promise<void> {
  const { bounds, accountKey } = of;
  const keyId = of.key.keyId ?? '';
  const by = { at: deps.clock(), actor: c.get('actor') };
  await deps.database.transaction(async (tx) => {
    const isFirst = accountKey === undefined && (await beginRegistration(tx, keyId, bounds, by));
    if (isFirst) {
      if (isBounded(bounds))
        await appendAct(tx, { ...by, act: 'key.bound', subject: keyId, details: { ...bounds } });
      return;
    }
    const key = await findSigningKey(tx, keyId);
    const requestedAt = key?.registrationRequestedAt ?? null;
    // An account-key may come without a request from here; then what it says is all that is known.
    const present =
      accountKey === undefined || requestedAt !== null ? (key?.bounds ?? {}) : keyBounds(accountKey);
    if (isSameBounds(present, { ...present, ...bounds })) return;
    const state = accountKey === undefined ? 'being registered' : 'registered';
    throw conflict(
      'registration-requested',
      `cannot register signing key '${of.key.name}' with other bounds: it is ${state} already, ${boundsInWords(present)}; make another key`,
    );
  });
}

/** Has this host hand over the request of a key, and waits for that as long as callers are let wait. */
export async function handOver(deps: AdminApiDeps, input: RegisterSigningKeyInput): Promise<void> {
  if (!(await deps.hasAuthority())) throw registrationOffline();
  const seconds = await deps.readTimeout();
  if (await deps.processes.handOverKeyRequest(input, seconds * 1000)) return;
  throw new AirlockError(
    'unavailable',
    'remote-service-unavailable',
    `cannot say yet that the key is registered: the outside store has not answered for ${String(seconds)} s; it goes on, ask again`,
  );
}

/** Waits for the account-key-request of a key, unless that has its account-key. */
export async function waitForRequest(
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
