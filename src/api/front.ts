import type { HttpBindings } from '@hono/node-server';

/** Anything that answers requests: a Hono app is one. */
export interface Answering {
  fetch(request: Request, bindings: HttpBindings): Response | Promise<Response>;
}

/** An app and the paths that are its own. */
export interface Counter {
  /** `/ops/` takes everything below; a path without a slash at its end takes itself and what is below. */
  readonly prefix: string;
  readonly app: Answering;
  /** The app does not know its prefix: take it off first. */
  readonly strip?: boolean;
}

/**
 * Sends each request to the app of its path, the first that fits; all others to `rest`. The apps stay apart: none sees
 * another's middleware, errors or not-found answers.
 */
export function createFront(counters: readonly Counter[], rest: Answering): Answering['fetch'] {
  return (request, bindings) => {
    const path = pathOf(request.url);
    const counter = counters.find(({ prefix }) => isBelow(path, prefix));
    if (counter === undefined) return rest.fetch(request, bindings);
    return counter.app.fetch(counter.strip ? without(request, counter.prefix) : request, bindings);
  };
}

/** The path of an absolute address, with whatever query follows; quicker than parsing all of it. */
function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2));
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const next = path[prefix.length];
  return prefix.endsWith('/') || next === undefined || next === '/' || next === '?';
}

function without(request: Request, prefix: string): Request {
  const url = new URL(request.url);
  url.pathname = url.pathname.slice(prefix.length) || '/';
  return new Request(url, request);
}
