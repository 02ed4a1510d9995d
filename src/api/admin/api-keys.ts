import { Hono } from 'hono';
import { z } from 'zod';

import { apiKeyDigest, parseApiKey } from '../../devices/index.ts';
import { addApiKey, blocksOn, endApiKey, listApiKeys } from '../../storage/model-service/index.ts';
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
import { change, checkNoTwin, modelOfPath, SHOWN_API_KEY } from './model-lookup.ts';

const keyName = z
  .string()
  .regex(/^[a-z0-9](?:-?[a-z0-9])*$/, 'use lower-case letters, digits and single hyphens')
  .max(128);
const newKey = z.object({
  name: keyName,
  'api-key': z.string().optional(),
  'valid-until': z.iso.datetime({ offset: true }).optional(),
});
const end = z.object({ 'valid-until': z.iso.datetime({ offset: true }) });

/** Characters of an API key that the service makes: letters and digits that cannot be mistaken for each other. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 40;

/**
 * `/v1/brand/{brand}/model/{model}/api-keys`: several named keys per model, so that one can follow another without a gap. Kept
 * as digests: a key is told once, when it is made.
 */
export function apiKeyRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/', view('list_api_keys'), async (c) => {
    const { brandId, name } = await modelOfPath(deps, c);
    const { queries } = deps.database;
    const rows = await listApiKeys(queries, brandId, name);
    const subjects = rows.map((row) => `${name}/${row.name}`);
    const blocks = rows.length === 0 ? [] : await blocksOn(queries, [brandId], subjects);
    const blocked = new Set(blocks.flatMap(({ kind, subject }) => (kind === 'api-key' ? [subject] : [])));
    return c.json(
      rows.map((row) => ({
        name: row.name,
        'created-at': naive(row.createdAt),
        'valid-until': naive(row.validUntil),
        'last-used-at': naive(row.lastUsedAt),
        shown: row.sealed !== null,
        blocked: blocked.has(`${name}/${row.name}`),
      })),
    );
  });

  app.post('/', view('create_api_key'), async (c) => {
    const { brandId, name: modelName } = await modelOfPath(deps, c);
    const given = await jsonBody(c, newKey);
    if (given.name === SHOWN_API_KEY)
      throw conflict(
        'api-key-name-reserved',
        `cannot create API key '${given.name}': the model's own key, which its creation and update set, has that name; choose another`,
      );
    const apiKey = given['api-key'] === undefined ? makeApiKey(deps) : parseApiKey(given['api-key']);
    const validUntil =
      given['valid-until'] === undefined ? null : new Date(given['valid-until']).toISOString();
    if (validUntil !== null && validUntil <= deps.clock().toISOString())
      throw conflict(
        'api-key-over',
        `cannot create API key '${given.name}': it would have ended at ${validUntil}`,
      );
    const hash = apiKeyDigest(apiKey, deps.secrets.apiKeyPepper);
    const subject = `${brandId}/${modelName}`;
    await change(
      deps,
      c,
      { act: 'api-key.create', subject, details: { name: given.name } },
      async (tx, at) => {
        await checkNoTwin(tx, `create API key '${given.name}'`, { brandId, modelName, hash });
        const added = await addApiKey(tx, {
          brandId,
          modelName,
          name: given.name,
          hash,
          sealed: null,
          createdAt: at.toISOString(),
          createdBy: c.get('actor'),
          validUntil,
          lastUsedAt: null,
        });
        if (!added)
          throw conflict(
            'api-key-exists',
            `cannot create API key '${given.name}': the model has one of that name`,
          );
      },
    );
    return c.json({ name: given.name, 'api-key': apiKey, 'valid-until': naive(validUntil) }, 201);
  });

  app.patch('/:name', view('expire_api_key'), async (c) => {
    const { brandId, name: modelName } = await modelOfPath(deps, c);
    const name = c.req.param('name');
    const validUntil = new Date((await jsonBody(c, end))['valid-until']);
    await change(
      deps,
      c,
      { act: 'api-key.expire', subject: `${brandId}/${modelName}`, details: { name } },
      async (tx) => {
        if (!(await endApiKey(tx, { brandId, modelName, name }, { validUntil })))
          throw notFound(`the API key '${name}'`);
      },
    );
    return c.json({ name, 'valid-until': naive(validUntil.toISOString()) });
  });

  app.delete('/:name', view('delete_api_key'), async (c) => {
    const { brandId, name: modelName } = await modelOfPath(deps, c);
    const name = c.req.param('name');
    await change(
      deps,
      c,
      { act: 'api-key.revoke', subject: `${brandId}/${modelName}`, details: { name } },
      async (tx, at) => {
        if (!(await endApiKey(tx, { brandId, modelName, name }, { revokedAt: at })))
          throw notFound(`the API key '${name}'`);
      },
    );
    return c.body(null, 204);
  });
  return app;
}

function makeApiKey(deps: AdminApiDeps): string {
  let key = '';
  // Bytes beyond the last whole multiple of the alphabet are passed over, so that all characters are equally likely.
  const limit = 256 - (256 % ALPHABET.length);
  while (key.length < LENGTH) {
    for (const byte of deps.random(LENGTH)) {
      if (byte < limit && key.length < LENGTH) key += ALPHABET[byte % ALPHABET.length] ?? '';
    }
  }
  return key;
}
