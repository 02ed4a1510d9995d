import { Hono } from 'hono';
import { z } from 'zod';

import { parseSerialNumber } from '../../devices/index.ts';
import type { Queries } from '../../storage/index.ts';
import {
  addPermit,
  foreignHolders,
  intentsOfDeviceKeys,
  intentsOfSerials,
  listPermits,
  withdrawPermit,
  type ModelKey,
  type ReplacementPermitRecord,
} from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  conflict,
  jsonBody,
  notFound,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminEnv,
} from './gateway.ts';
import { change, modelOfPath } from './model-lookup.ts';

const permit = z.object({
  serial: z.string(),
  'device-key-sha3-384': z
    .string()
    .regex(/^[A-Za-z0-9_-]{64}$/, 'write the key id as 64 base64url characters')
    .nullish(),
  'expires-at': z.iso.datetime({ offset: true }).nullish(),
  reason: z.string().min(1).max(512),
});

/**
 * `/v1/brand/{brand}/model/{model}/replacements`: one-use permissions for another board to take a serial over. One that is
 * not used yet can be withdrawn, and may end by itself.
 */
export function replacementRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/', view('list_replacements'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    return c.json((await listPermits(deps.database.queries, { brandId, modelName: name })).map(shown));
  });

  app.post('/', view('create_replacement'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const given = await jsonBody(c, permit);
    const serial = parseSerialNumber(given.serial);
    const deviceKeyId = given['device-key-sha3-384'] ?? null;
    const expiresAt = isoOf(given['expires-at']);
    const { reason } = given;
    const model = { brandId, modelName: name };
    const details = { reason, 'device-key': deviceKeyId, 'expires-at': expiresAt };
    const subject = `${brandId}/${name}/${serial}`;
    const made = await change(
      deps,
      c,
      { act: 'serial.permit-replacement', subject, details },
      async (tx, at) => {
        await checkReplaceable(tx, model, { serial, deviceKeyId });
        return addPermit(tx, model, { serial, deviceKeyId, expiresAt, reason, by: c.get('actor'), at });
      },
    );
    return c.json(shown(made), 201);
  });

  app.delete('/:permit', view('delete_replacement'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const text = c.req.param('permit');
    const model = { brandId, modelName: name };
    const missing = () => notFound(`an unused permission with number ${JSON.stringify(text)}`);
    const found = (await listPermits(deps.database.queries, model)).find(({ id }) => String(id) === text);
    if (found === undefined) throw missing();
    const subject = `${brandId}/${name}/${found.serial}`;
    const act = { act: 'serial.withdraw-replacement', subject, details: { permit: found.id } };
    await change(deps, c, act, async (tx) => {
      if (!(await withdrawPermit(tx, model, found.id))) throw missing();
    });
    return c.body(null, 204);
  });
  return app;
}

/** A serial that nobody has needs no permission, and a device that has one takes no other over. */
async function checkReplaceable(
  queries: Queries,
  model: ModelKey,
  { serial, deviceKeyId }: { readonly serial: string; readonly deviceKeyId: string | null },
): Promise<void> {
  const { brandId, modelName } = model;
  const holders = [
    ...(await intentsOfSerials(queries, { brandIds: [brandId], models: [modelName], serials: [serial] })),
    ...(await foreignHolders(queries, { brandId, modelName, serial })),
  ];
  if (holders.length === 0)
    throw notFound(`a device of model ${JSON.stringify(modelName)} with serial ${serial}`);
  if (deviceKeyId === null) return;
  const own = await intentsOfDeviceKeys(queries, { brandIds: [brandId], deviceKeyIds: [deviceKeyId] });
  const present = own.find(({ modelName: of, closedReason }) => of === modelName && closedReason === null);
  if (present === undefined) return;
  throw conflict(
    'device-key-in-use',
    `cannot permit the device key to take over serial ${serial}: it has serial ${present.serial} of this model`,
  );
}

function isoOf(moment: string | null | undefined): string | null {
  return moment === null || moment === undefined ? null : new Date(moment).toISOString();
}

function shown(row: ReplacementPermitRecord) {
  return {
    id: row.id,
    serial: row.serial,
    'device-key-sha3-384': row.deviceKeyId,
    reason: row.reason,
    'created-at': naive(row.createdAt),
    'created-by': row.createdBy,
    'expires-at': naive(row.expiresAt),
    'used-at': naive(row.usedAt),
    'used-by-device-key-sha3-384': row.usedBy,
  };
}
