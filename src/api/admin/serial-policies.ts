import { Hono } from 'hono';
import { z } from 'zod';

import { checkSigningKey } from '../../devices/index.ts';
import { AirlockError } from '../../errors.ts';
import {
  addPolicy,
  deletePolicy,
  findSigningKey,
  listPolicies,
  type PolicyRecord,
} from '../../storage/model-service/index.ts';
import { accountKeyOf } from './account-keys.ts';
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

const newPolicy = z.object({ 'signing-key-sha3-384': z.string().min(1).max(128) });

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
    const keyId = (await jsonBody(c, newPolicy))['signing-key-sha3-384'];
    await requireUsableKey(deps, c, model.brandId, model.name, keyId);
    const subject = `${model.brandId}/${model.name}`;
    const policy = await change(
      deps,
      c,
      { act: 'serial-policy.create', subject, details: { key: keyId } },
      (tx, at) =>
        addPolicy(tx, {
          brandId: model.brandId,
          modelName: model.name,
          keyId,
          createdAt: at.toISOString(),
          createdBy: c.get('actor'),
        }),
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
        if (await deletePolicy(tx, { brandId, modelName: name, revision }, at)) return;
        throw notFound(`revision ${String(revision)} of the serial policies of model '${name}'`);
      },
    );
    return c.body(null, 204);
  });
  return app;
}

/**
 * Refuses a key that could not sign: unknown here, of a brand that the caller may not act for, or without an account-key in
 * force. Throws `resource-not-found` or `DeviceError` `signing-key-…`.
 */
export async function requireUsableKey(
  deps: AdminApiDeps,
  c: AdminContext,
  brandId: string,
  model: string,
  keyId: string,
): Promise<void> {
  const { queries } = deps.database;
  const key = await findSigningKey(queries, keyId);
  const unknown = notFound(`the signing key ${keyId.slice(0, 64)}`);
  if (key === undefined) throw unknown;
  if (key.brandId !== brandId) {
    await requireBrand(deps, c.get('token'), key.brandId, 'write').catch((error: unknown) => {
      throw error instanceof AirlockError && error.kind === 'not-found' ? unknown : error;
    });
  }
  checkSigningKey({
    keyId,
    accountKey: await accountKeyOf(queries, keyId),
    authorityId: key.brandId,
    now: deps.clock(),
    headers: { 'brand-id': brandId, model },
  });
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
