import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { requestId, statusClass, type Log, type Metrics } from '../../telemetry/index.ts';
import type { Answering } from '../front.ts';
import { methodOf, pathOf, resourceOf } from './resources.ts';

const errorCode = z.looseObject({ code: z.string().regex(/^[a-z0-9-]{1,60}$/) });
/** Either envelope of an error (src/api/errors.ts). */
const errorBody = z.union([
  z.object({ 'error-list': z.array(errorCode).min(1) }).transform((body) => body['error-list']),
  z.object({ error_list: z.array(errorCode).min(1) }).transform((body) => body.error_list),
]);

/**
 * Measures every request, writes a line for each at debug, and gives each error an id (`X-Oops-Id`, which devices show to
 * their users) under which our own failures are in the log. A request's own `X-Request-Id` is kept when it is a plain one.
 */
export function watched(
  answer: Answering['fetch'],
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): Answering['fetch'] {
  const verbose = log.isLevelEnabled('debug');
  return async (request, bindings) => {
    const begun = performance.now();
    const response = await answer(request, bindings);
    const milliseconds = performance.now() - begun;
    const { status } = response;
    const path = pathOf(request);
    const resource = resourceOf(path);
    const method = methodOf(request);
    const labels = { resource, method, status: statusClass(status) };
    metrics.requestSeconds.observe(labels, milliseconds / 1000);
    if (resource === 'serial') metrics.serialSeconds.observe({ how: howOf(status) }, milliseconds / 1000);
    if (resource === 'download' && status < 300) countBytes(metrics, response);
    if (!verbose && status < 400) return response;
    const id = requestId(request.headers.get('x-request-id'));
    if (verbose) log.debug({ id, method, path, status, milliseconds, from: from(bindings) }, 'request');
    if (status < 400) return response;
    if (status >= 500) log.error({ id, method, path, status }, 'a request could not be answered');
    return withId(response, id, (reason) => metrics.refusals.inc({ what: resource, reason }));
  };
}

function howOf(status: number): string {
  if (status === 202) return 'accepted';
  return status < 300 ? 'made' : 'refused';
}

function countBytes(metrics: Metrics, response: Response): void {
  const bytes = Number(response.headers.get('content-length') ?? 0);
  if (bytes > 0) metrics.downloadedBytes.inc(bytes);
}

/** The same error with its id; what it says is counted by its code. */
async function withId(response: Response, id: string, count: (reason: string) => void): Promise<Response> {
  const headers = new Headers(response.headers);
  headers.set('x-oops-id', id);
  headers.set('x-request-id', id);
  const init = { status: response.status, headers };
  if (response.body === null) {
    count(statusClass(response.status));
    return new Response(null, init);
  }
  const text = await response.text();
  count(reasonOf(text) ?? statusClass(response.status));
  return new Response(text, init);
}

function reasonOf(text: string): string | undefined {
  try {
    return errorBody.parse(JSON.parse(text))[0]?.code;
  } catch {
    return undefined;
  }
}

function from(bindings: Partial<HttpBindings>): string | undefined {
  return bindings.incoming?.socket.remoteAddress;
}
