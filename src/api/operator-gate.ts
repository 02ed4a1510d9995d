import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { AirlockError } from '../errors.ts';

/** Refuses whoever does not hold the operator's token: `Authorization: Bearer TOKEN`. Takes the same time for every wrong one. */
export function operatorGate(token: string): MiddlewareHandler {
  const expected = digest(token);
  return async (context, next) => {
    const [scheme, given = ''] = (context.req.header('authorization') ?? '').split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || !timingSafeEqual(digest(given), expected)) {
      throw new AirlockError(
        'unauthenticated',
        'operator-token-invalid',
        "cannot do this for you: it takes the operator's token, which is in the data folder of the host",
      );
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
