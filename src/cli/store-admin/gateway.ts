import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { HttpClient } from '../http-client.ts';
import { readProfile, updateProfile } from '../profile.ts';

const nameSchema = z.string();

/** A model as the gateway shows it (protocol/operators.md, section 2.4). */
export const modelSchema = z.looseObject({
  name: nameSchema,
  series: z.string(),
  'api-key': z.string().nullable(),
  'brand-account-id': z.string(),
});

/** A signing key as the gateway shows it. */
export const signingKeySchema = z.looseObject({
  name: nameSchema,
  'sha3-384': z.string(),
  'brand-account-id': z.string(),
});

/** A serial policy as the gateway shows it. */
export const serialPolicySchema = z.looseObject({
  revision: z.number(),
  'model-name': z.string(),
  'signing-key-sha3-384': z.string(),
});

/** One brand on one store's gateway, as whoever logged in. */
export interface BrandGateway {
  readonly client: HttpClient;
  readonly brandId: string;
  /** `/v1/brand/BRAND` followed by the given parts, each escaped. */
  path(...parts: string[]): string;
}

/**
 * The gateway that `store-admin login` was last used with.
 *
 * @throws CliError `not-logged-in`
 */
export async function savedGateway(context: CliContext): Promise<HttpClient> {
  const { store } = await readProfile(context.terminal.env);
  if (!store) {
    const sentence = 'cannot ask the store: log in first with "store-admin login --offline URL EMAIL"';
    throw new CliError('unauthenticated', 'not-logged-in', sentence);
  }
  return gatewayClient(context, store.url, store.token);
}

/** A client of a store's gateway. */
export function gatewayClient({ signal }: CliContext, url: string, token?: string): HttpClient {
  return new HttpClient({
    url,
    name: 'the store',
    hint: 'check the address and that the store runs',
    signal,
    ...(token === undefined ? {} : { authorization: `Macaroon ${token}` }),
  });
}

/**
 * The brand to act for: BRAND_ACCOUNT_ID, which is remembered, or the one remembered before (seed 001).
 *
 * @throws CliError `not-configured` or `not-logged-in`
 */
export async function brandGateway(context: CliContext): Promise<BrandGateway> {
  const client = await savedGateway(context);
  const brandId = await brandAccountId(context, client);
  return {
    client,
    brandId,
    path: (...parts) => ['/v1/brand', ...[brandId, ...parts].map(encodeURIComponent)].join('/'),
  };
}

async function brandAccountId(context: CliContext, client: HttpClient): Promise<string> {
  const { env } = context.terminal;
  const saved = (await readProfile(env)).brandAccountId;
  const given = env['BRAND_ACCOUNT_ID'];
  if (given && given !== saved) {
    // Only a brand that is there, and ours, is worth remembering.
    await client.perform(`/v1/brand/${encodeURIComponent(given)}`, {});
    await updateProfile(env, { brandAccountId: given });
  }
  const brandId = given || saved;
  if (brandId) return brandId;
  const sentence = "cannot tell which brand to act for: set BRAND_ACCOUNT_ID to the brand's account id once";
  throw new CliError('invalid', 'not-configured', sentence);
}
