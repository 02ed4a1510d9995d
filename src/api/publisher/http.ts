import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';

import { AirlockError } from '../../errors.ts';
import { readAs } from '../../read-as.ts';
import { clientError, ERROR_CONTENT_TYPE } from '../errors.ts';

/** The largest body that is not a file. An account-key-request has some 2 kB. */
const MAX_BODY_BYTES = 256 * 1024;

/** Refuses bodies that are larger than any document of this API. */
export const documentLimit = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: (context) => {
    const sentence = `cannot read the request: its body is larger than ${MAX_BODY_BYTES} bytes`;
    return errorAnswer(context, new AirlockError('too-large', 'body-too-large', sentence));
  },
});

/**
 * Reads a JSON body of a known shape.
 *
 * @throws AirlockError `invalid-field` that names the field
 */
export async function jsonBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  return checked(schema, parse(await context.req.text()));
}

/**
 * Reads the query of a known shape.
 *
 * @throws AirlockError `invalid-field` that names the parameter
 */
export function queryOf<T>(context: Context, schema: z.ZodType<T>): T {
  return checked(schema, context.req.query());
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = readAs(schema, value);
  if (result.success) return result.data;
  throw new AirlockError('invalid', 'invalid-field', `cannot read the request: ${result.fault}`);
}

/**
 * An error in both envelopes: `error_list` as the dashboard's clients read it, `error-list` as those of the gateway do,
 * and `code` and `message` for older ones (protocol/publishers.md, section 1).
 */
export function errorAnswer(context: Context, error: unknown): Response {
  const { status, code, message } = clientError(error);
  const list = [{ code, message }];
  const body = JSON.stringify({ code, message, error_list: list, 'error-list': list });
  return context.body(body, status, { 'content-type': ERROR_CONTENT_TYPE });
}

/** The content type of assertions. */
export const ASSERTION_TYPE = 'application/x.ubuntu.assertion';

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
