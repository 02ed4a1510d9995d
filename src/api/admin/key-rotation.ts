import { Hono } from 'hono';
import { z } from 'zod';

import { movePolicies } from '../../activities/signing-keys/rotation.ts';
import { accountKeyOf, endOfKey } from '../../activities/signing-keys/policy-key.ts';
import { registrationOffline } from '../../activities/signing-keys/submit-request.ts';
import { keyBounds, type KeyBounds } from '../../assertions/index.ts';
import {
  checkKeyBounds,
  keyBoundsFields,
  keyUnregistered,
  parseSigningKeyName,
} from '../../devices/index.ts';
import { requireHsmToken } from '../../config/index.ts';
import { findSigningKeyByName, type SigningKeyRecord } from '../../storage/model-service/index.ts';
import {
  conflict,
  jsonBody,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { handOver, LOOK_EVERY, waitForRequest } from './key-registration.ts';
import { acceptWider, keyForPolicies } from './serial-policies.ts';
import { isBounded, notMadeYet, requireAsAsked, signingKeyOfPath } from './signing-keys.ts';

const rotation = z.object({ 'new-signing-key-sha3-384': z.string().min(1).max(128), ...acceptWider });
const replacement = z.object({
  name: z.string(),
  token: z.string().max(64).optional(),
  deliver: z.enum(['upstream', 'file']).default('file'),
  ...keyBoundsFields,
  ...acceptWider,
});

/**
 * Of `/v1/brand/{brand}/signing_key/{key}`: `/rotate` moves the policies to a key that is ready; `/replace` also makes that key and has it
 * registered, and goes on by itself until the policies moved.
 */
export function keyRotationRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  app.post('/:key/rotate', view('rotate_signing_key'), (c) => rotate(deps, c));
  app.post('/:key/replace', view('replace_signing_key'), (c) => replace(deps, c));
  return app;
}

/** Makes a key of a name in the path's one's place, or tells how far that is: asked again, it goes on. */
async function replace(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const { queries } = deps.database;
  const oldKey = await signingKeyOfPath(deps, c);
  const { brandId } = oldKey;
  const oldKeyId = oldKey.keyId ?? '';
  const asked = await jsonBody(c, replacement);
  const { deliver, 'accept-wider': acceptsWider } = asked;
  const name = parseSigningKeyName(asked.name);
  const given = checkKeyBounds(asked, { brandId, now: deps.clock() });
  if (name === oldKey.name)
    throw conflict('signing-key-exists', `cannot rotate signing key '${name}' to itself: name a new key`);
  const present = await findSigningKeyByName(queries, brandId, name);
  // What is not said is as it was begun, or as the old key has it.
  const token = asked.token ?? present?.token ?? oldKey.token;
  const bounds = { ...(present ? present.bounds : await constraintsOf(deps, oldKey)), ...given };
  if (present !== undefined) requireAsAsked(present, { token, bounds });
  requireHsmToken(await deps.hsmTokens(), token);
  const isRegistered = (await accountKeyOf(queries, present?.keyId ?? '')) !== undefined;
  if (deliver === 'upstream' && !isRegistered && !(await deps.hasAuthority())) throw registrationOffline();

  const actor = c.get('actor');
  const seconds = await deps.readTimeout();
  const state = await deps.processes.rotateSigningKey(
    {
      brandId,
      oldKeyId,
      name,
      token,
      actor,
      deliver,
      acceptsWider,
      lookEverySeconds: LOOK_EVERY,
      ...(isBounded(bounds) && { bounds }),
    },
    seconds * 1000,
  );
  if (state.name !== name) {
    throw conflict(
      'rotation-running',
      `cannot rotate signing key '${oldKey.name}' to '${name}': it is being rotated to '${state.name}'; rotate it to that, or delete that key first`,
    );
  }
  if (state.step === 'making-key') throw notMadeYet(deps, { name, token }, seconds);
  const { keyId } = state;
  const isWaiting = state.step !== 'rotated';
  if (isWaiting && deliver === 'upstream')
    await handOver(deps, { keyId, actor, deliver, lookEverySeconds: LOOK_EVERY });
  return c.json({
    state: isWaiting ? 'awaiting-account-key' : 'rotated',
    name,
    'new-signing-key-sha3-384': keyId,
    'account-key-request': isWaiting ? await waitForRequest(deps, keyId, false) : null,
    models: isWaiting ? [] : state.models,
    'old-key-until': await endOf(deps, oldKeyId),
  });
}

/** What the old key may sign, the new one shall, unless somebody says otherwise. */
async function constraintsOf(deps: AdminApiDeps, key: SigningKeyRecord): Promise<KeyBounds> {
  const accountKey = await accountKeyOf(deps.database.queries, key.keyId ?? '');
  const { constraints } = accountKey ? keyBounds(accountKey) : (key.bounds ?? {});
  return { ...(constraints !== undefined && { constraints }) };
}

/**
 * Moves every model of the brand from one key to another in one step. The old key stays until it is deleted, and what it signed
 * is good also when its account-key has ended, unless that is revoked.
 */
async function rotate(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const { keyId, brandId } = await signingKeyOfPath(deps, c);
  const oldKeyId = keyId ?? '';
  const { 'new-signing-key-sha3-384': newKeyId, 'accept-wider': acceptsWider } = await jsonBody(c, rotation);
  // Also where no model signs with the old key: a mistyped one is told.
  await keyForPolicies(deps, c, { brandId, keyId: newKeyId });
  const move = { brandId, oldKeyId, keyId: newKeyId, acceptsWider, actor: c.get('actor') };
  const outcome = await movePolicies(deps.database, move, deps.clock);
  if (outcome === null) throw keyUnregistered(newKeyId);
  return c.json({ models: outcome.moved, 'old-key-until': await endOf(deps, oldKeyId) });
}

async function endOf(deps: AdminApiDeps, keyId: string): Promise<string | null> {
  return (await endOfKey(deps.database.queries, keyId)) ?? null;
}
