import { AirlockError } from '../errors.ts';
import type { SubmitKeyRequest } from './signing-keys.ts';

const DEADLINE_MS = 25_000;
const MAX_ANSWER = 64 * 1024;

/**
 * Hands account-key-requests to a store over its publisher API: `POST /dev/api/account/account-key` (protocol/operators.md 2.2).
 * `authorization` gives the whole header of an account of the brand. What the store refuses is not tried again.
 */
export function submitToStore(of: {
  readonly url: string;
  readonly authorization: () => Promise<string>;
}): SubmitKeyRequest {
  return async (accountKeyRequest) => {
    const response = await fetch(new URL('/dev/api/account/account-key', of.url), {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json', authorization: await of.authorization() },
      body: JSON.stringify({ account_key_request: accountKeyRequest }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (response.ok) return;
    const answer = (await response.text()).slice(0, MAX_ANSWER);
    const retry = response.status >= 500 || response.status === 429;
    throw new AirlockError(
      retry ? 'unavailable' : 'conflict',
      'registration-refused',
      `cannot register the key: the store answered with status ${String(response.status)}: ${answer.slice(0, 500)}`,
    );
  };
}
