import { Hono } from 'hono';
import { z } from 'zod';

import { requireDeletable } from '../../activities/signing-keys/deletion.ts';
import { accountKeyOf, isBeyondRequest } from '../../activities/signing-keys/policy-key.ts';
import { boundHeaders, isSameBounds, keyBounds, type KeyBounds } from '../../assertions/index.ts';
import {
  checkKeyBounds,
  keyBoundsFields,
  parseSigningKeyName,
  signingKeyStanding,
} from '../../devices/index.ts';
import { DEFAULT_TOKEN, requireHsmToken } from '../../config/index.ts';
import { AirlockError } from '../../errors.ts';
import {
  findSigningKey,
  findSigningKeyByName,
  listSigningKeys,
  modelsUsingKey,
  signatureCounts,
  type SigningKeyRecord,
} from '../../storage/model-service/index.ts';
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

const newKey = z.object({
  name: z.string(),
  token: z.string().max(64).default(DEFAULT_TOKEN),
  ...keyBoundsFields,
});
/**
 * `has-signed`: whoever asks knows that serials in the log rest on the key; `before-until`: that its account-key has not ended, and that it
 * was in a policy.
 */
const known = z.enum(['true', 'false']).default('false');
const deletion = z.object({ 'has-signed': known, 'before-until': known });

/** `/v1/brand/{brand}/signing_key` (protocol/operators.md 2.4), with details of one key besides. */
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
    const query = queryOf(c, deletion);
    const hasSigned = query['has-signed'] === 'true';
    const beforeUntil = query['before-until'] === 'true';
    await requireDeletable(queries, key, { hasSigned, beforeUntil, now: deps.clock() });
    const seconds = await deps.readTimeout();
    const done = await deps.processes.deleteSigningKey(
      { keyId, hsmKeyId: key.hsmKeyId, token: key.token, actor: c.get('actor'), hasSigned, beforeUntil },
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
  if (!done || made === undefined) throw notMadeYet(deps, { name, token }, seconds);
  return made;
}

/** Whether anything is bounded at all. */
export function isBounded(bounds: KeyBounds): boolean {
  return Object.keys(boundHeaders(bounds)).length > 0;
}

/** Refuses a key of the name that is made otherwise than asked. */
export function requireAsAsked(
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

/** A key that is still being made when the time to wait for it is over. */
export function notMadeYet(
  deps: AdminApiDeps,
  { name, token }: { readonly name: string; readonly token: string },
  seconds: number,
): AirlockError {
  const down = deps.hsm(token)?.failure !== undefined;
  const next = down
    ? 'it goes on, and the key is made when the HSM is back'
    : 'it goes on, list the keys in a while, or raise internal.publishergw.snapmodels.read-timeout';
  return new AirlockError(
    'unavailable',
    'remote-service-unavailable',
    `cannot say yet that signing key '${name}' is made: ${why(deps, token, seconds)}; ${next}`,
  );
}

/** Why the HSM has not done what it was asked for. */
function why(deps: AdminApiDeps, token: string, seconds: number): string {
  const { failure, pinRefused } = deps.hsm(token) ?? {};
  if (failure !== undefined) return `the HSM is down (${failure})`;
  if (pinRefused !== undefined)
    return `the PIN that is set is not the one of the HSM (${pinRefused}), set the right one`;
  return `the HSM takes longer than ${String(seconds)} s`;
}

/** A signing key as the gateway shows it. */
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
