import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';

import type { SettingStore } from '../../storage/index.ts';

/** Under this setting the Model Service keeps the one secret that all its others are derived from. */
const MODEL_SERVICE_SECRET = 'internal.models.secret';

/**
 * The secrets of the Model Service, each 32 bytes, each for one purpose. What every request needs is a key object: Node makes one
 * of plain bytes at each use, which costs more than the rest of an HMAC.
 */
export interface ModelServiceSecrets {
  /** Request-ids are made under it. */
  readonly requestId: KeyObject;
  /** API keys are hashed with it. */
  readonly apiKeyPepper: KeyObject;
  /** Gateway macaroons are made under it. */
  readonly gatewayRootKey: Uint8Array;
  /** What a factory derives the claim codes of a model from; given to the brand on request. Another salt makes another secret. */
  claims(brandId: string, model: string, salt?: string): Uint8Array;
  /** What questions to the decision service of a model are signed with; given to the brand on request. */
  webhook(brandId: string, model: string, salt?: string): Uint8Array;
}

/** Derives the secrets from the sealed one in the settings, which is made at first use. */
export async function openModelServiceSecrets(
  settings: Pick<SettingStore, 'secretOnce'>,
  now: Date,
): Promise<ModelServiceSecrets> {
  const root = await settings.secretOnce(
    MODEL_SERVICE_SECRET,
    () => randomBytes(32).toString('base64url'),
    now,
  );
  return deriveModelServiceSecrets(Buffer.from(root, 'base64url'));
}

/** The secrets of a given root secret. */
export function deriveModelServiceSecrets(root: Uint8Array): ModelServiceSecrets {
  const derive = (...purpose: string[]) =>
    new Uint8Array(hkdfSync('sha256', root, '', ['airlock', ...purpose].join('\0'), 32));
  return {
    requestId: createSecretKey(derive('request-id')),
    apiKeyPepper: createSecretKey(derive('api-key')),
    gatewayRootKey: derive('gateway'),
    claims: (brandId, model, salt) => derive('claims', brandId, model, ...(salt === undefined ? [] : [salt])),
    webhook: (brandId, model, salt) =>
      derive('webhook', brandId, model, ...(salt === undefined ? [] : [salt])),
  };
}
