import type { Context } from 'hono';

import { PublisherError, type Attenuation } from '../../publishers/index.ts';
import type { PublisherApiDeps } from './deps.ts';

/** Who asks, and with which limits. */
export interface Caller {
  readonly accountId: string;
  readonly sessionId: string;
  readonly attenuation: Attenuation;
}

/** `Macaroon TOKEN`, `macaroon TOKEN`, `Macaroon root="TOKEN"` with or without quotes and a discharge after it. */
const AUTHORIZATION = /^macaroon\s+(?:root\s*=\s*)?"?([A-Za-z0-9_=-]+)"?\s*(?:,.*)?$/i;

/**
 * Verifies the credential of a request.
 *
 * @throws PublisherError or AirlockError of kind `unauthenticated`; snapcraft then says to log in again
 */
export async function callerOf(deps: PublisherApiDeps, context: Context): Promise<Caller> {
  const macaroon = AUTHORIZATION.exec(context.req.header('authorization') ?? '')?.[1];
  if (macaroon === undefined) {
    throw new PublisherError(
      'unauthenticated',
      'macaroon-invalid',
      'cannot tell who asks: send "Authorization: Macaroon TOKEN"',
    );
  }
  return deps.tokens.verify(macaroon, deps.clock());
}
