import type { Context } from 'hono';

import { PublisherError, type Attenuation } from '../../publishers/index.ts';
import { macaroonIn } from '../macaroon-header.ts';
import type { PublisherApiDeps } from './deps.ts';

/** Who asks, and with which limits. */
export interface Caller {
  readonly accountId: string;
  readonly sessionId: string;
  readonly attenuation: Attenuation;
}

/**
 * Verifies the credential of a request.
 *
 * @throws PublisherError or AirlockError of kind `unauthenticated`; snapcraft then says to log in again
 */
export async function callerOf(deps: PublisherApiDeps, context: Context): Promise<Caller> {
  const macaroon = macaroonIn(context.req.header('authorization'));
  if (macaroon === undefined) {
    throw new PublisherError(
      'unauthenticated',
      'macaroon-invalid',
      'cannot tell who asks: send "Authorization: Macaroon TOKEN"',
    );
  }
  return deps.tokens.verify(macaroon, deps.clock());
}
