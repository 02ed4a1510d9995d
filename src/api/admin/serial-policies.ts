import { Hono } from 'hono';
import { z } from 'zod';

import { requireKeyForPolicy } from '../../activities/signing-keys/policy-key.ts';
import { AirlockError } from '../../errors.ts';
import {
  addPolicy,
  holdPolicies,
  deletePolicy,
  findSigningKey,
  listPolicies,
  type PolicyRecord,
  type SigningKeyRecord,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  jsonBody,
  notFound,
  people,
  requireBrand,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
  type Person,
} from './gateway.ts';
import { change, modelOfPath } from './model-lookup.ts';

/** `accept-wider`: whoever asks knows that the key may sign more, or longer, than was asked for. */
export const acceptWider = { 'accept-wider': z.boolean().default(false) } as const;
const newPolicy = z.object({ 'signing-key-sha3-384': z.string().min(1).max(128), ...acceptWider });

/** `/v1/brand/{brand}/model/{model}/serial_policy`: the highest revision is in force. */
export function serialPolicyRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  const authorityOf = async ({ keyId }: PolicyRecord) =>
    (await findSigningKey(deps.database.queries, keyId))?.brandId ?? null;

  app.get('/', view('list_serial_policies'), async (c) => {
    const model = await modelOfPath(deps, c);
    const policies = await listPolicies(deps.database.queries, model.brandId, model.name);
    const person = people(deps);
    return c.json(
      await Promise.all(
        policies.map(async (policy) => policyBody(policy, await authorityOf(policy), person)),
      ),
    );
  });

  app.post('/', view('create_serial_policy'), async (c) => {
    const model = await modelOfPath(deps, c);
    const { 'signing-key-sha3-384': keyId, 'accept-wider': acceptsWider } = await jsonBody(c, newPolicy);
    const { brandId, name } = model;
    const key = await keyForPolicies(deps, c, { brandId, keyId });
    const { queries } = deps.database;
    await requireKeyForPolicy(queries, { brandId, model: name, key, acceptsWider, now: deps.clock() });
    const subject = `${brandId}/${name}`;
    const policy = await change(
      deps,
      c,
      {
        act: 'serial-policy.create',
        subject,
        details: { key: keyId, ...(acceptsWider && { 'accept-wider': true }) },
      },
      async (tx, at) => {
        await holdPolicies(tx, deps.database.kind, model.brandId);
        return addPolicy(tx, {
          brandId: model.brandId,
          modelName: model.name,
          keyId,
          createdAt: at.toISOString(),
          createdBy: c.get('actor'),
        });
      },
    );
    return c.json(await policyBody(policy, await authorityOf(policy), people(deps)), 201);
  });

  app.delete('/:revision', view('delete_serial_policy'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const revision = Number(c.req.param('revision'));
    if (!Number.isSafeInteger(revision)) throw notFound('the serial policy');
    await change(
      deps,
      c,
      { act: 'serial-policy.delete', subject: `${brandId}/${name}`, details: { revision } },
      async (tx, at) => {
        await holdPolicies(tx, deps.database.kind, brandId);
        if (await deletePolicy(tx, { brandId, modelName: name, revision }, at)) return;
        throw notFound(`revision ${String(revision)} of the serial policies of model '${name}'`);
      },
    );
    return c.body(null, 204);
  });
  return app;
}

/**
 * The signing key that a brand's policies are to name; that of another brand only for who may change things there. Throws
 * `resource-not-found`.
 */
export async function keyForPolicies(
  deps: AdminApiDeps,
  c: AdminContext,
  { brandId, keyId }: { readonly brandId: string; readonly keyId: string },
): Promise<SigningKeyRecord> {
  const key = await findSigningKey(deps.database.queries, keyId);
  const unknown = notFound(`the signing key ${keyId.slice(0, 64)}`);
  if (key === undefined) throw unknown;
  if (key.brandId !== brandId) {
    await requireBrand(deps, c.get('token'), key.brandId, 'write').catch((error: unknown) => {
      throw error instanceof AirlockError && error.kind === 'not-found' ? unknown : error;
    });
  }
  return key;
}

/** A policy as the gateway shows it; `authorityId` is the account of its key, where that is here. */
export async function policyBody(
  policy: PolicyRecord,
  authorityId: string | null,
  person: (id: string | null) => Promise<Person | null>,
) {
  return {
    authority: authorityId ?? policy.brandId,
    'created-at': naive(policy.createdAt),
    'created-by': await person(policy.createdBy),
    'model-name': policy.modelName,
    revision: policy.revision,
    'signing-key-sha3-384': policy.keyId,
  };
}
