import { Hono } from 'hono';
import { z } from 'zod';

import { requireDeletable } from '../../activities/key-deletion.ts';
import { boundHeaders, isSameBounds, keyBounds, type KeyBounds } from '../../assertions/index.ts';
import {
  checkKeyBounds,
  keyBoundsFields,
  parseSigningKeyName,
  signingKeyStanding,
} from '../../devices/index.ts';
import { DEFAULT_TOKEN, requireHsmToken } from '../../config/index.ts';
import { AirlockError } from '../../errors.ts';
import type { Queries } from '../../storage/index.ts';
import {
  addPolicy,
  holdPolicies,
  findSigningKey,
  findSigningKeyByName,
  listPolicies,
  listSigningKeys,
  modelsUsingKey,
  signatureCounts,
  type SigningKeyRecord,
} from '../../storage/model-service/index.ts';
import { accountKeyOf } from './account-keys.ts';
import { naive } from '../naive-time.ts';
import {
  conflict,
  jsonBody,
  notFound,
  people,
  queryOf,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
  type Person,
} from './gateway.ts';
import { change } from './model-lookup.ts';
import { acceptWider, isBeyondRequest, requireUsableKey } from './serial-policies.ts';

const newKey = z.object({
  name: z.string(),
  token: z.string().max(64).default(DEFAULT_TOKEN),
  ...keyBoundsFields,
});
/** `has-signed`: whoever asks knows that serials in the log rest on the key. */
const deletion = z.object({ 'has-signed': z.enum(['true', 'false']).default('false') });
const rotation = z.object({ 'new-signing-key-sha3-384': z.string().min(1).max(128), ...acceptWider });

/** `/v1/brand/{brand}/signing_key` (protocol/operators.md 2.4), with `/rotate` and details of one key besides. */
export function signingKeyRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  const { queries } = deps.database;

  app.get('/', view('list_signing_keys'), async (c) => {
    const keys = await listSigningKeys(queries, c.req.param('brand') ?? '');
    const person = people(deps);
    return c.json(
      await Promise.all(keys.filter(({ keyId }) => keyId !== null).map((key) => body(key, person))),
    );
  });

  app.post('/', view('create_signing_key'), async (c) => {
    const key = await create(deps, c);
    return c.json(await body(key, people(deps)), 201);
  });

  app.get('/:key', view('get_signing_key'), async (c) => {
    const key = await signingKeyOfPath(deps, c);
    const keyId = key.keyId ?? '';
    const counts = (await signatureCounts(queries)).find((one) => one.keyId === keyId);
    const accountKey = await accountKeyOf(queries, keyId);
    const bounds = accountKey ? keyBounds(accountKey) : (key.bounds ?? {});
    return c.json({
      ...(await body(key, people(deps))),
      // What a brand wants to know of a key before it relies on it, or lets it go.
      status: signingKeyStanding(accountKey, deps.clock()),
      until: bounds.until ?? null,
      constraints: bounds.constraints ?? null,
      'missing-on-token': deps.hsm(key.token)?.lastProbe?.missing.includes(key.hsmKeyId) ?? false,
      'beyond-request': accountKey !== undefined && isBeyondRequest(accountKey, key),
      models: await modelsUsingKey(queries, keyId),
      signatures: counts?.counted ?? 0,
      'signatures-in-log': counts?.inLog ?? 0,
      'registration-requested-at': naive(key.registrationRequestedAt),
    });
  });

  app.delete('/:key', view('delete_signing_key'), async (c) => {
    const key = await signingKeyOfPath(deps, c);
    const keyId = key.keyId ?? '';
    const hasSigned = queryOf(c, deletion)['has-signed'] === 'true';
    await requireDeletable(queries, key, { hasSigned });
    const seconds = await deps.readTimeout();
    const done = await deps.processes.deleteSigningKey(
      { keyId, hsmKeyId: key.hsmKeyId, token: key.token, actor: c.get('actor'), hasSigned },
      seconds * 1000,
    );
    if (!done) {
      throw new AirlockError(
        'unavailable',
        'remote-service-unavailable',
        `cannot say yet that signing key '${key.name}' is gone from the HSM: ${why(deps, key.token, seconds)}; nothing signs with it any more, and it goes on until the HSM has removed the key`,
      );
    }
    return c.body(null, 204);
  });

  app.post('/:key/rotate', view('rotate_signing_key'), (c) => rotate(deps, c));
  return app;
}

/** The signing key that a path names. Throws `resource-not-found`. */
export async function signingKeyOfPath(deps: AdminApiDeps, c: AdminContext): Promise<SigningKeyRecord> {
  const keyId = c.req.param('key') ?? '';
  const key = await findSigningKey(deps.database.queries, keyId);
  if (key === undefined || key.brandId !== c.req.param('brand'))
    throw notFound(`the signing key ${keyId.slice(0, 64)}`);
  return key;
}

async function create(deps: AdminApiDeps, c: AdminContext): Promise<SigningKeyRecord> {
  const brandId = c.req.param('brand') ?? '';
  const asked = await jsonBody(c, newKey);
  const name = parseSigningKeyName(asked.name);
  const { token } = asked;
  const bounds = checkKeyBounds(asked, { brandId, now: deps.clock() });
  const { queries } = deps.database;
  const present = await findSigningKeyByName(queries, brandId, name);
  if (present !== undefined && present.keyId !== null) {
    throw conflict('signing-key-exists', `cannot create signing key '${name}': there is one of that name`);
  }
  if (present !== undefined) requireAsAsked(present, { token, bounds });
  requireHsmToken(await deps.hsmTokens(), token);
  const seconds = await deps.readTimeout();
  const done = await deps.processes.createSigningKey(
    { brandId, name, token, actor: c.get('actor'), ...(isBounded(bounds) && { bounds }) },
    seconds * 1000,
  );
  const made = await findSigningKeyByName(queries, brandId, name);
  // Two who ask for one name in the same moment wait for the same key: it is made as the first one asked.
  if (made !== undefined) requireAsAsked(made, { token, bounds });
  if (!done || made === undefined) {
    const down = deps.hsm(token)?.failure !== undefined;
    const next = down
      ? 'it goes on, and the key is made when the HSM is back'
      : 'it goes on, list the keys in a while, or raise internal.publishergw.snapmodels.read-timeout';
    throw new AirlockError(
      'unavailable',
      'remote-service-unavailable',
      `cannot say yet that signing key '${name}' is made: ${why(deps, token, seconds)}; ${next}`,
    );
  }
  return made;
}

/** Whether anything is bounded at all. */
export function isBounded(bounds: KeyBounds): boolean {
  return Object.keys(boundHeaders(bounds)).length > 0;
}

/** Refuses a key of the name that is made otherwise than asked. */
function requireAsAsked(
  key: SigningKeyRecord,
  asked: { readonly token: string; readonly bounds: KeyBounds },
): void {
  if (key.token !== asked.token) {
    throw conflict(
      'signing-key-exists',
      `cannot create signing key '${key.name}' on the HSM token '${asked.token}': it is being made on '${key.token}'; take another name`,
    );
  }
  if (!isSameBounds(key.bounds ?? {}, asked.bounds)) {
    throw conflict(
      'signing-key-exists',
      `cannot create signing key '${key.name}' with these bounds: it is being made with others; take another name`,
    );
  }
}

/** Why the HSM has not done what it was asked for. */
function why(deps: AdminApiDeps, token: string, seconds: number): string {
  const { failure, pinRefused } = deps.hsm(token) ?? {};
  if (failure !== undefined) return `the HSM is down (${failure})`;
  if (pinRefused !== undefined)
    return `the PIN that is set is not the one of the HSM (${pinRefused}), set the right one`;
  return `the HSM takes longer than ${String(seconds)} s`;
}

/**
 * Moves every model of the brand from one key to another in one step. The old key stays until it is deleted, and what it signed
 * is good also when its account-key has ended, unless that is revoked.
 */
async function rotate(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const brandId = c.req.param('brand') ?? '';
  const oldKey = await signingKeyOfPath(deps, c);
  const { 'new-signing-key-sha3-384': newKeyId, 'accept-wider': acceptsWider } = await jsonBody(c, rotation);
  const models = await modelsSignedBy(deps.database.queries, brandId, oldKey);
  // Also where no model signs with the old key: a mistyped one is told.
  if ((await findSigningKey(deps.database.queries, newKeyId)) === undefined)
    throw notFound(`the signing key ${newKeyId.slice(0, 64)}`);
  for (const model of models)
    await requireUsableKey(deps, c, { brandId, model, keyId: newKeyId, acceptsWider });
  const details = { to: newKeyId, models, ...(acceptsWider && { 'accept-wider': true }) };
  const act = { act: 'key.rotate', subject: oldKey.keyId ?? '', details };
  await change(deps, c, act, async (tx, at) => {
    await holdPolicies(tx, deps.database.kind, brandId);
    if ((await modelsSignedBy(tx, brandId, oldKey)).join() !== models.join())
      throw conflict(
        'policies-changed',
        `cannot rotate signing key '${oldKey.name}': somebody else changed the serial policies of the brand in this moment; look at them and rotate again`,
      );
    for (const modelName of models) {
      await addPolicy(tx, {
        brandId,
        modelName,
        keyId: newKeyId,
        createdAt: at.toISOString(),
        createdBy: c.get('actor'),
      });
    }
  });
  const accountKey = await accountKeyOf(deps.database.queries, oldKey.keyId ?? '');
  return c.json({ models, 'old-key-until': accountKey ? (keyBounds(accountKey).until ?? null) : null });
}

/** The models whose policy in force names a key, by name. */
async function modelsSignedBy(queries: Queries, brandId: string, key: SigningKeyRecord): Promise<string[]> {
  const inForce = new Map(
    (await listPolicies(queries, brandId)).map((policy) => [policy.modelName, policy.keyId]),
  );
  return [...inForce]
    .filter(([, keyId]) => keyId === key.keyId)
    .map(([model]) => model)
    .toSorted();
}

async function body(key: SigningKeyRecord, person: (id: string | null) => Promise<Person | null>) {
  return {
    'brand-account-id': key.brandId,
    'created-at': naive(key.createdAt),
    'created-by': await person(key.createdBy),
    fingerprint: key.fingerprint,
    'modified-at': naive(key.modifiedAt),
    'modified-by': await person(key.modifiedBy),
    name: key.name,
    'sha3-384': key.keyId,
    token: key.token,
  };
}
