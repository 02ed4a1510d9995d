/** Runs the product's command lines inside a test, and servers that answer them with what a document shows. */
import { Readable } from 'node:stream';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';

import { createContext } from '../../src/cli/context.ts';
import { runProgram, type ProgramName } from '../../src/cli/program.ts';

/** What a command printed and how it ended. */
export interface CliOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line; `input` is what a pipe would bring. */
export async function runCli(
  program: ProgramName,
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly input?: string;
    /** In place of `input`: a person who may never type anything. */
    readonly keyboard?: Readable;
    readonly signal?: AbortSignal;
    readonly now?: () => Date;
    /** Whether standard error is a terminal. */
    readonly onTerminal?: boolean;
  } = {},
): Promise<CliOutcome> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    stdin: options.keyboard ?? Readable.from(options.input === undefined ? [] : [options.input]),
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text), isTTY: options.onTerminal ?? false },
    env: options.env ?? {},
  };
  const context = {
    ...createContext(terminal, program, options.signal ?? new AbortController().signal),
    ...(options.now && { now: options.now }),
    program,
  };
  const status = await runProgram(args, context);
  return { status, stdout: out.join(''), stderr: err.join('') };
}

/** One request that a server got. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Answers of a host that starts an operation at this route, which ends with this result. */
export function operationAt(
  route: string,
  result: unknown,
  workflowId = 'x',
): Readonly<Record<string, unknown>> {
  const next = (): unknown => (typeof result === 'function' ? result() : result);
  return {
    [route]: { workflowId, ui: `http://ui.example/${workflowId}` },
    [`GET /ops/v1/operations/${workflowId}?wait=2`]: () => ({
      workflowId,
      status: 'completed',
      result: next(),
    }),
  };
}

/**
 * A server whose answers are fixed: `METHOD /path` to a body, to a response, or to a function that gives a body for each
 * request; where it gives none, the server is away.
 */
export async function answering(
  answers: Readonly<Record<string, unknown>>,
): Promise<{ readonly url: string; readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const app = new Hono();
  app.all('*', async (context) => {
    const { method } = context.req;
    const path = context.req.url.replace(/^https?:\/\/[^/]+/, '');
    const text = await context.req.text();
    const body: unknown = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
    seen.push({ method, path, authorization: context.req.header('authorization'), body });
    const found = answers[`${method} ${path}`];
    const answer: unknown = typeof found === 'function' ? found() : found;
    if (found !== undefined && answer === undefined) return context.json({}, 503);
    if (answer === undefined)
      return context.json({ 'error-list': [{ code: 'x', message: `cannot find ${path}` }] }, 404);
    if (answer instanceof Response) return answer.clone();
    return typeof answer === 'string' ? context.text(answer) : context.json(answer);
  });
  let server: ServerType | undefined;
  const port = await new Promise<number>((resolve) => {
    server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, (info) => resolve(info.port));
  });
  onTestFinished(() => new Promise((resolve) => void server?.close(() => resolve())));
  return { url: `http://127.0.0.1:${port}`, seen };
}
