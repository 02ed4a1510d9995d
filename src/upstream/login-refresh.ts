import { z } from 'zod';
import { isAirlockError, sentenceOf } from '../errors.ts';
import { limitedBytes } from '../limited-bytes.ts';
import { loginFileText } from '../publishers/index.ts';
import { UpstreamError } from './errors.ts';
import { loginOf, type Login } from './login-file.ts';

/** How a log-in whose discharge is exhausted gets another one. */
export interface LoginRefresh {
  /** The single-sign-on server, from the settings of this host: neither a log-in file nor a store says where a discharge is sent. */
  readonly sso: string;
  /** Is given the log-in with its new discharge, in the form of a file, where something else will need it too. */
  readonly keep?: (content: string) => Promise<void>;
}

const ANSWER_MS = 30_000;
const ANSWER_MAX = 65_536;
const NEEDS_REFRESH = 'macaroon-needs-refresh';

const codeSchema = z.looseObject({ code: z.string() });
const staleSchema = z.looseObject({
  code: z.string().optional(),
  error_list: z.array(codeSchema).optional(),
  'error-list': z.array(codeSchema).optional(),
});
const freshSchema = z.looseObject({ discharge_macaroon: z.string().min(1).max(ANSWER_MAX) });

/**
 * Whether an answer says that the discharge must be refreshed: by the code that craft-store acts on, or by the header that snapd does
 * (protocol/publishers.md 3.4).
 * @param answer with the status 401; it is read
 */
export async function asksForRefresh(answer: Response): Promise<boolean> {
  const said = staleSchema.safeParse(await jsonOf(answer).catch(() => undefined)).data;
  if (/\bneeds_refresh\s*=\s*"?1\b/i.test(answer.headers.get('www-authenticate') ?? '')) return true;
  const codes = [said, ...(said?.error_list ?? []), ...(said?.['error-list'] ?? [])];
  return codes.some((one) => one?.code === NEEDS_REFRESH);
}

/**
 * Asks the single-sign-on server for another discharge in place of an exhausted one: `POST /api/v2/tokens/refresh`. It is asked with the unbound
 * discharge, which is good for nothing but this and its own root.
 * @throws UpstreamError `login-refused`, `upstream-unreachable`, `upstream-answer-malformed`
 */
export async function refreshed({ file }: Login, refresh: LoginRefresh, signal: AbortSignal): Promise<Login> {
  const sso = refresh.sso.replace(/\/+$/, '');
  const response = await ask(sso, file.discharge ?? '', signal);
  const { status } = response;
  if (!response.ok) {
    await response.body?.cancel();
    if (status >= 500 || status === 429)
      throw new UpstreamError(
        'upstream-unreachable',
        `cannot refresh the login file at ${sso}: it answered with status ${status}`,
      );
    throw new UpstreamError(
      'login-refused',
      `cannot use the login file: its discharge is exhausted, and ${sso} does not refresh it; export it again`,
    );
  }
  const fresh = freshSchema.safeParse(await jsonOf(response).catch(() => undefined));
  const login = fresh.success ? bound(file.root, fresh.data.discharge_macaroon) : undefined;
  if (login === undefined)
    throw new UpstreamError(
      'upstream-answer-malformed',
      `cannot refresh the login file at ${sso}: its answer holds no discharge; check proxy.sso.location`,
    );
  await refresh.keep?.(loginFileText(login.file));
  return login;
}

function bound(root: string, discharge: string): Login | undefined {
  try {
    return loginOf({ root, discharge });
  } catch (error) {
    if (isAirlockError(error)) return undefined;
    throw error;
  }
}

async function ask(sso: string, discharge: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(`${sso}/api/v2/tokens/refresh`, {
      method: 'POST',
      // A server that leads elsewhere gets nothing sent there.
      redirect: 'error',
      headers: { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'airlock' },
      body: JSON.stringify({ discharge_macaroon: discharge }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new UpstreamError(
      'upstream-unreachable',
      `cannot refresh the login file at ${sso}: ${sentenceOf(cause instanceof Error && cause.cause ? cause.cause : cause)}; check proxy.sso.location and the network`,
      cause,
    );
  }
}

async function jsonOf(answer: Response): Promise<unknown> {
  const tooLong = () => new Error('an answer that is too long');
  return JSON.parse(new TextDecoder().decode(await limitedBytes(answer.body, ANSWER_MAX, tooLong)));
}
