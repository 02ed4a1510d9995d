import { randomUUID } from 'node:crypto';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { z } from 'zod';

import { AirlockError } from '../../errors.ts';
import { limitedBytes } from '../../limited-bytes.ts';
import { readAs } from '../../read-as.ts';
import { checkPermission, type Token } from '../../publishers/index.ts';
import type { Database, Sealer } from '../../storage/index.ts';
import { membershipsOf, type TokenOffice } from '../../storage/authority/index.ts';
import { findAccount, findToken, storesOfBrand } from '../../storage/model-service/index.ts';
import type { ModelServiceSecrets } from '../device/model-service-secrets.ts';
import { clientError, ERROR_CONTENT_TYPE, storeErrorBody } from '../errors.ts';
import type { ModelServiceProcesses } from './processes.ts';

/** Everything that the admin API of the Model Service works with. */
export interface AdminApiDeps {
  readonly database: Pick<Database, 'kind' | 'queries' | 'transaction'>;
  /** Seals the API keys that `list models` shows. */
  readonly sealer: Sealer;
  readonly secrets: ModelServiceSecrets;
  readonly tokens: Pick<TokenOffice, 'issue' | 'verify' | 'revoke' | 'sessionsOf'>;
  readonly processes: ModelServiceProcesses;
  /** Names of the HSM tokens that keys can be made on. */
  readonly hsmTokens: () => Promise<readonly string[]>;
  /** How a token is; undefined when another process has it. */
  readonly hsm: (token: string) => TokenStanding | undefined;
  /** Whether this host can hand key registrations to the store that vouches for the brand's keys. */
  readonly hasAuthority: () => Promise<boolean>;
  readonly clock: () => Date;
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** `internal.publishergw.snapmodels.read-timeout`: how long a request waits for the HSM, in seconds. */
  readonly readTimeout: () => Promise<number>;
  /** Called with what is our own mistake, so that it is logged; answers never tell. */
  readonly report: (error: unknown) => void;
}

/** What stands in the way of a token, in words; undefined where nothing does. */
export interface TokenStanding {
  /** Why it cannot sign now. */
  readonly failure: string | undefined;
  /** Why it does not take the PIN that is set, and so makes and deletes no key. */
  readonly pinRefused: string | undefined;
  /** Ids on the token of keys in force that the last look did not find there. */
  readonly lastProbe: { readonly missing: readonly string[] } | undefined;
}

/** Hono's own part of a request to the gateway. */
export type AdminEnv = { Variables: { token: Token; actor: string } };
export type AdminContext = Context<AdminEnv>;
export type AdminApp = Hono<AdminEnv>;

/** The version of the documented gateway that this one speaks like (protocol/operators.md 2.4). */
const GATEWAY_VERSION = '66';
/** Most bytes of a request; allow-lists are the largest. */
const MAX_BODY = 16 * 1024 * 1024;

/** The gateway's headers on each answer. */
export const gatewayHeaders: MiddlewareHandler<AdminEnv> = async (c, next) => {
  const given = c.req.header('x-request-id');
  const requestId = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  await next();
  c.res.headers.set('publishergw-version', GATEWAY_VERSION);
  c.res.headers.set('x-request-id', requestId);
  c.res.headers.set('x-vcs-revision', GATEWAY_VERSION);
  c.res.headers.set('cache-control', 'no-store');
  const name = matchedRoutes(c).flatMap(({ handler }) => viewNames.get(handler) ?? [])[0];
  if (name !== undefined) c.res.headers.set('x-view-name', `publishergw.webapi_admin.${name}`);
};

/** Names of views, by the middleware that marks their routes. */
const viewNames = new WeakMap<object, string>();

/** Names the view of a route, which the gateway tells in `x-view-name`, also where it refuses who asks. */
export function view(name: string): MiddlewareHandler<AdminEnv> {
  const mark: MiddlewareHandler<AdminEnv> = (_, next) => next();
  viewNames.set(mark, name);
  return mark;
}

/** Admits holders of a macaroon of this gateway. Throws the refusal. */
export function authenticated(deps: AdminApiDeps): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const header = c.req.header('authorization') ?? '';
    const macaroon = /^macaroon\s+(?:root=")?([A-Za-z0-9_=-]+)"?\s*$/i.exec(header)?.[1];
    if (macaroon === undefined) {
      const sentence = 'cannot answer without a macaroon: log in and send it as "Authorization: Macaroon …"';
      throw new AirlockError('unauthenticated', 'macaroon-authorization-required', sentence);
    }
    const token = await deps.tokens.verify(macaroon, deps.clock());
    c.set('token', token);
    c.set('actor', token.accountId);
    await next();
  };
}

/** Admits those who may read, or change, the brand named in the path; to all others there is no such brand. */
export function ofBrand(deps: AdminApiDeps): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const brandId = c.req.param('brand') ?? '';
    const write = c.req.method !== 'GET' && c.req.method !== 'HEAD';
    await requireBrand(deps, c.get('token'), brandId, write ? 'write' : 'read');
    await next();
  };
}

/** Throws `resource-not-found` or `macaroon-permission-required` unless the token's account may do that to the brand. */
export async function requireBrand(
  deps: AdminApiDeps,
  token: Token,
  brandId: string,
  access: 'read' | 'write',
): Promise<void> {
  const roles = await brandRoles(deps, token, brandId);
  const allowed =
    access === 'write' ? roles.has('admin') : roles.has('admin') || roles.has('view') || roles.has('review');
  if (!allowed) throw notFound(`the brand ${JSON.stringify(brandId)}`);
  if (access === 'write') checkPermission(token.attenuation, 'store_admin');
}

/** What the account is in the stores of a brand. The brand's own account, and the admin that an import named, are admins. */
async function brandRoles(deps: AdminApiDeps, token: Token, brandId: string): Promise<ReadonlySet<string>> {
  const { queries } = deps.database;
  if (token.accountId === brandId) return new Set(['admin']);
  const session = await findToken(queries, token.sessionId);
  if (session?.brandId === brandId) return new Set(['admin']);
  const ids = new Set(await storesOfBrand(queries, brandId));
  const memberships = await membershipsOf(queries, token.accountId);
  return new Set(memberships.filter(({ storeId }) => ids.has(storeId)).flatMap(({ roles }) => roles));
}

/** What is hidden and what is not there: one answer for both. */
export function notFound(what: string): AirlockError {
  return new AirlockError('not-found', 'resource-not-found', `cannot find ${what}`);
}

/** At odds with what is there. */
export function conflict(code: string, sentence: string): AirlockError {
  return new AirlockError('conflict', code, sentence);
}

/** Reads a JSON body of a known shape. Throws `invalid-field`, `body-too-large`. */
export async function jsonBody<T>(c: AdminContext, schema: z.ZodType<T>): Promise<T> {
  const text = await textBody(c);
  let value: unknown;
  try {
    value = JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw new AirlockError('invalid', 'invalid-field', 'cannot read the request: its body is not JSON');
  }
  return checked(schema, value);
}

/** Reads the query of a known shape. Throws `invalid-field`. */
export function queryOf<T>(c: AdminContext, schema: z.ZodType<T>): T {
  return checked(schema, c.req.query());
}

/** Reads a body as text, of at most so many bytes. Throws `body-too-large`; `split` says what to do with a larger document. */
export async function textBody(c: AdminContext, limit = MAX_BODY, split = ''): Promise<string> {
  const tooLarge = () =>
    new AirlockError(
      'too-large',
      'body-too-large',
      `cannot read the request: its body has more than ${String(limit)} bytes${split}`,
    );
  const announced = c.req.header('content-length');
  if (announced !== undefined && !(Number(announced) <= limit)) throw tooLarge();
  if (announced !== undefined) return c.req.text();
  return Buffer.from(await limitedBytes(c.req.raw.body, limit, tooLarge)).toString('utf8');
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = readAs(schema, value);
  if (result.success) return result.data;
  throw new AirlockError('invalid', 'invalid-field', `cannot read the request: ${result.fault}`);
}

/**
 * An error in the gateway's envelope. A macaroon that is not ours is told as the documented gateway tells it; parts that do
 * not answer likewise.
 */
export function errorAnswer(deps: Pick<AdminApiDeps, 'report'>, error: unknown): Response {
  const seen = clientError(error);
  if (seen.status >= 500) deps.report(error);
  const headers = { 'content-type': ERROR_CONTENT_TYPE };
  if (seen.code === 'macaroon-malformed' || seen.code === 'macaroon-invalid') {
    const body = storeErrorBody({ code: 'api-error', message: 'Invalid macaroon' });
    return new Response(body, { status: 400, headers });
  }
  return new Response(storeErrorBody(seen), { status: seen.status, headers });
}

/** A person as the gateway shows it in `created-by` and `modified-by`. */
export interface Person {
  readonly 'display-name': string;
  readonly email: string | null;
  readonly id: string;
  readonly username: string;
  readonly validation: string;
}

/** Looks people up, each once. */
export function people(deps: AdminApiDeps): (id: string | null) => Promise<Person | null> {
  const known = new Map<string, Promise<Person>>();
  const look = async (id: string): Promise<Person> => {
    const account = await findAccount(deps.database.queries, id);
    return {
      'display-name': account?.displayName ?? id,
      email: account?.email ?? null,
      id,
      username: account?.username ?? id,
      validation: account?.validation ?? 'unproven',
    };
  };
  return async (id) => {
    if (id === null) return null;
    const found = known.get(id) ?? look(id);
    known.set(id, found);
    return found;
  };
}

/** A page's place, told to clients as an opaque text. */
export function cursorOf(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Reads a page's place. Throws `invalid-field`. */
export function readCursor<T>(text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw new AirlockError(
      'invalid',
      'invalid-field',
      'cannot use the cursor: take it from the previous page',
    );
  }
}

/** The size of a page. */
export const pageSize = z.coerce.number().int().min(1).max(500).default(100);
