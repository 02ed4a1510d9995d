import type { Context } from 'hono';
import type { z } from 'zod';
import { AirlockError } from '../../errors.ts';
import { ERROR_CONTENT_TYPE, clientError, storeErrorBody } from '../errors.ts';
import { limitedBytes } from '../../limited-bytes.ts';
import { readAs } from '../../read-as.ts';

/** Largest body of a request: a login file or a stream of roots has some kilobytes. */
const BODY_MAX = 1024 * 1024;
/** Longest wait of one request, in seconds; under the patience of proxies. */
const WAIT_MAX = 25;

/**
 * Reads a JSON body of a known shape.
 * @param limit largest body, in bytes
 * @throws AirlockError `request-invalid` that names the field; `body-too-large`
 */
export async function jsonBody<T>(context: Context, schema: z.ZodType<T>, limit = BODY_MAX): Promise<T> {
  const text = await textBody(context, limit);
  let value: unknown;
  try {
    value = JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new AirlockError('invalid', 'request-invalid', 'cannot read the request: its body is not JSON', {
      cause,
    });
  }
  return checked(value, schema);
}

/**
 * Reads the query of a known shape.
 * @throws AirlockError `request-invalid` that names the field
 */
export function queryOf<T>(context: Context, schema: z.ZodType<T>): T {
  return checked(context.req.query(), schema);
}

function checked<T>(value: unknown, schema: z.ZodType<T>): T {
  const result = readAs(schema, value);
  if (result.success) return result.data;
  throw new AirlockError('invalid', 'request-invalid', `cannot read the request: ${result.fault}`);
}

/**
 * Reads a body as text.
 * @throws AirlockError `body-too-large`
 */
export async function textBody(context: Context, limit = BODY_MAX): Promise<string> {
  const tooLarge = () =>
    new AirlockError(
      'too-large',
      'body-too-large',
      `cannot read the request: its body has more than ${limit} bytes`,
    );
  return Buffer.from(await limitedBytes(context.req.raw.body, limit, tooLarge)).toString('utf8');
}

/** An error as every client of this interface reads it. */
export function errorAnswer(error: unknown): Response {
  const told = clientError(error);
  return new Response(storeErrorBody(told), {
    status: told.status,
    headers: { 'content-type': ERROR_CONTENT_TYPE },
  });
}

/** How long a request is willing to wait for what it asks, by its `?wait=SECONDS`, in milliseconds. */
export function waitAsked(context: Context): number {
  const wait = Number(context.req.query('wait') ?? '0');
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), WAIT_MAX) * 1000 : 0;
}
