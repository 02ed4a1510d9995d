/** An operator at the interface of a host, for tests: no server, the very routes, workers that run. */
import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Hono } from 'hono';
import { z } from 'zod';
import { OverrideBook } from '../../../src/api/overrides/book.ts';
import { localSnaps } from '../../../src/api/overrides/local-snaps.ts';
import type { TokenFacts } from '../../../src/api/ops/deps.ts';
import { createOpsApi } from '../../../src/api/ops/index.ts';
import { operatorGate } from '../../../src/api/operator-gate.ts';
import { operation } from '../../../src/api/ops/operation-contract.ts';
import { withHost, type TestTemporal } from '../../support/temporal.ts';
import type { Host } from '../../workflows/carried-store.ts';

const TOKEN = 'operator-token';

function opsOf(temporal: TestTemporal, host: Host, client: Client, hsm: () => readonly TokenFacts[]): Hono {
  return createOpsApi(
    {
      database: host.database,
      blobs: host.blobs,
      settings: host.settings,
      masterKeys: { rotate: () => Promise.resolve(''), reseal: (_, sealed) => sealed },
      overrides: new OverrideBook({
        database: host.database,
        source: localSnaps(host.database.queries),
        clock: () => new Date(),
      }),
      client,
      codecs: temporal.dataConverter.payloadCodecs ?? [],
      temporalUi: 'http://127.0.0.1:8233',
      temporalHealthy: () => temporal.temporal.healthy(),
      hsm,
      url: () => 'http://127.0.0.1:8000',
      clock: () => new Date(),
      random: (size) => new Uint8Array(randomBytes(size)),
      report: (error) => console.error(error),
    },
    operatorGate(TOKEN),
  );
}

/** An operator at the interface of a host whose workers run. */
export class Operator {
  readonly #app: Hono;
  constructor(app: Hono) {
    this.#app = app;
  }
  ask(method: string, path: string, body?: unknown, token = TOKEN): Promise<Response> {
    return Promise.resolve(
      this.#app.request(`/ops/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
  }
  async answer<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const response = await this.ask(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return schema.parse(JSON.parse(text));
  }
  /** Starts an operation and waits for its end. */
  async finish(path: string, body: unknown, method = 'POST') {
    const { workflowId } = await this.answer(method, path, z.object({ workflowId: z.string() }), body);
    for (;;) {
      const found = await this.answer(
        'GET',
        `/operations/${encodeURIComponent(workflowId)}?wait=5`,
        operation,
      );
      if (found.status !== 'running') return found;
    }
  }
  /** What an operation ends with when all goes well. */
  async result<T>(method: string, path: string, schema: z.ZodType<T>, body: unknown = {}): Promise<T> {
    const { status, result, error } = await this.finish(path, body, method);
    if (status !== 'completed') throw new Error(`${status} ${JSON.stringify(error)}`);
    return schema.parse(result);
  }
}

/** An operator at the interface of a host without workers: what is started stays where it is. */
export const operatorWithoutWorkers = (temporal: TestTemporal, host: Host): Operator =>
  new Operator(opsOf(temporal, host, temporal.client, () => []));

/** Lets an operator work on a host whose workers run. */
export const operatorAt = <Answer>(
  temporal: TestTemporal,
  host: Host,
  work: (operator: Operator) => Promise<Answer>,
  hsm: () => readonly TokenFacts[] = () => [],
): Promise<Answer> =>
  withHost(temporal, host, (client) => work(new Operator(opsOf(temporal, host, client, hsm))));
