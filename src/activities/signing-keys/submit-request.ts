import { z } from 'zod';
import { AirlockError, sentenceOf } from '../../errors.ts';
import type { SettingStore } from '../../storage/index.ts';
import { parseLogin } from '../../upstream/index.ts';

/** Hands an account-key-request to the store that vouches for the brand's keys. Throws what it answers. */
export type SubmitKeyRequest = (accountKeyRequest: string) => Promise<void>;

const DEADLINE_MS = 25_000;
const MAX_ANSWER = 64 * 1024;
/** Stores refuse with either envelope (protocol/operators.md 2.2, 2.4). */
const fault = z.looseObject({ message: z.string() });
const refusalSchema = z.union([
  z.looseObject({ 'error-list': z.array(fault).min(1) }).transform((answer) => answer['error-list']),
  z.looseObject({ error_list: z.array(fault).min(1) }).transform((answer) => answer.error_list),
]);

/** Hands account-key-requests to the store that the settings name, as they are at the moment. */
export function submitAsConfigured(settings: Pick<SettingStore, 'get'>): SubmitKeyRequest {
  return async (accountKeyRequest) => {
    const url = await settings.get('airlock.authority.url');
    const login = await settings.get('airlock.authority.login');
    if (url === undefined || login === undefined) throw registrationOffline();
    await submitToStore({ url, authorization: parseLogin(login).authorization })(accountKeyRequest);
  };
}

/** This host cannot hand a request over itself. */
export function registrationOffline(): AirlockError {
  return new AirlockError(
    'conflict',
    'registration-offline',
    'cannot register the key from here: this host has no route to a store; set airlock.authority.url and airlock.authority.login, or use --request-out and carry the request',
  );
}

/**
 * Hands account-key-requests to a store over its publisher API: `POST /dev/api/account/account-key` (protocol/operators.md 2.2).
 * `authorization` is the whole header of an account of the brand. What the store refuses is not tried again.
 */
function submitToStore(of: { readonly url: string; readonly authorization: string }): SubmitKeyRequest {
  return async (accountKeyRequest) => {
    const response = await fetch(new URL('/dev/api/account/account-key', of.url), {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json', authorization: of.authorization },
      body: JSON.stringify({ account_key_request: accountKeyRequest }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).catch((cause: unknown) => {
      throw new AirlockError(
        'unavailable',
        'registration-unreachable',
        `cannot register the key: ${of.url} does not answer; it is tried again`,
        { cause },
      );
    });
    if (response.ok) return;
    const { status } = response;
    const retry = status >= 500 || status === 429;
    throw new AirlockError(
      retry ? 'unavailable' : 'conflict',
      'registration-refused',
      `cannot register the key: ${of.url} answered with status ${String(status)}: ${reasonOf((await response.text()).slice(0, MAX_ANSWER))}`,
    );
  };
}

function reasonOf(answer: string): string {
  try {
    return refusalSchema
      .parse(JSON.parse(answer))
      .map(({ message }) => message)
      .join('; ')
      .slice(0, 500);
  } catch (error) {
    return answer === '' ? sentenceOf(error) : answer.slice(0, 500);
  }
}
