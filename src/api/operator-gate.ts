import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { AirlockError } from '../errors.ts';

/** Refuses whoever does not hold the operator's token: `Authorization: Bearer TOKEN`. Takes the same time for every wrong one. */
export function operatorGate(token: string): MiddlewareHandler {
  const isOperator = operatorCheck(token);
  return async (context, next) => {
    if (!isOperator(context.req.header('authorization'))) {
      throw new AirlockError(
        'unauthenticated',
        'operator-token-invalid',
        "cannot do this for you: it takes the operator's token, which is in the data folder of the host",
      );
    }
    await next();
  };
}

/** Tells whether an `Authorization` header carries the operator's token. */
export function operatorCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const [scheme, given = ''] = authorization.split(' ', 2);
    return timingSafeEqual(digest(given), expected) && scheme?.toLowerCase() === 'bearer';
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
