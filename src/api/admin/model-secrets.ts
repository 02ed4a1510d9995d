import { Hono } from 'hono';

import {
  modelSecretSalt,
  rotateModelSecret,
  type ModelSecretKind,
} from '../../storage/model-service/index.ts';
import { view, type AdminApiDeps, type AdminApp, type AdminContext, type AdminEnv } from './gateway.ts';
import { change, modelOfPath } from './model-lookup.ts';

const SALT_BYTES = 32;

/**
 * Below `/v1/brand/{brand}/model/{model}`: the secret that claim codes are derived from (`claim-secret`), and the one that questions to
 * the decision webhook are signed with (`webhook-secret`). Another one is in force from the next request on; codes of the old one are
 * worth nothing then.
 */
export function modelSecretRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();
  // POST, for they hand out secrets: only who may write gets them, and each time is in the log.
  app.post('/claim-secret', view('export_claim_secret'), async (c) =>
    c.json({ 'claim-secret': await told(deps, c, 'claims') }),
  );
  app.post('/claim-secret/rotate', view('rotate_claim_secret'), async (c) =>
    c.json({ 'claim-secret': await rotated(deps, c, 'claims') }),
  );
  app.post('/webhook-secret', view('export_webhook_secret'), async (c) =>
    c.json({ 'webhook-secret': await told(deps, c, 'webhook') }),
  );
  app.post('/webhook-secret/rotate', view('rotate_webhook_secret'), async (c) =>
    c.json({ 'webhook-secret': await rotated(deps, c, 'webhook') }),
  );
  return app;
}

async function told(deps: AdminApiDeps, c: AdminContext, kind: ModelSecretKind): Promise<string> {
  const { brandId, name } = await modelOfPath(deps, c);
  const act = { act: `${kind}.export-secret`, subject: `${brandId}/${name}` };
  const salt = await change(deps, c, act, (tx) => modelSecretSalt(tx, { brandId, modelName: name, kind }));
  return Buffer.from(deps.secrets[kind](brandId, name, salt)).toString('base64url');
}

async function rotated(deps: AdminApiDeps, c: AdminContext, kind: ModelSecretKind): Promise<string> {
  const { brandId, name } = await modelOfPath(deps, c);
  const salt = Buffer.from(deps.random(SALT_BYTES)).toString('base64url');
  const act = { act: `${kind}.rotate-secret`, subject: `${brandId}/${name}` };
  await change(deps, c, act, (tx, at) =>
    rotateModelSecret(tx, { brandId, modelName: name, kind }, { salt, at, actor: c.get('actor') }),
  );
  return Buffer.from(deps.secrets[kind](brandId, name, salt)).toString('base64url');
}
