import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { describeSetCertificate } from '../tls/certificate-chain.ts';
import { clientError, ERROR_CONTENT_TYPE, storeErrorBody } from '../errors.ts';
import { freeBytes } from '../../bundles/index.ts';
import { AirlockError } from '../../errors.ts';
import { readLastBackup, type BlobStore, type Database, type SettingStore } from '../../storage/index.ts';
import type { Metrics } from '../../telemetry/index.ts';

/** What health is told from. */
export interface HealthDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly metrics: Metrics;
  readonly temporalHealthy: () => Promise<boolean>;
  /** The HSM tokens, where this process has them. */
  readonly hsm: () => readonly HsmFacts[];
  /** Whether a request carries the operator's token. */
  readonly isOperator: (authorization: string | undefined) => boolean;
  readonly clock: () => Date;
}

/** As far as probes and metrics need it; the status of a token is one. */
export interface HsmFacts {
  readonly name: string;
  readonly waiting: number;
  readonly connections: { readonly open: number };
  readonly lastProbe: { readonly milliseconds: number | undefined } | undefined;
  /** Why it cannot sign now, in words; undefined when it can. */
  readonly failure: string | undefined;
}

/** Probes come often, from anywhere, and need no token: what they ask for is looked up once a second at most. */
const KEEP_MS = 1_000;
/** A question to a bucket may cost money. */
const KEEP_STORAGE_MS = 30_000;
/** A probe does not wait longer for a bucket. */
const STORAGE_MS = 2_000;
const LOOPBACK = /^(::1|127\.\d+\.\d+\.\d+|::ffff:127\.\d+\.\d+\.\d+)$/;

/** The paths of {@link createHealthApi}. */
export const HEALTH_PATHS = ['/_status', '/healthz', '/readyz', '/metrics'] as const;

/**
 * Probes and metrics. `/_status/ping` and `/healthz` tell that the process answers; `/_status/check` (protocol/operators.md
 * 1.4, for load balancers) and `/readyz` that it can serve: 503 without its database or Temporal. Without the files of snaps,
 * or the HSM, or with a database that takes no changes, all else goes on, so that is told and no more. `/metrics` is for
 * Prometheus on this machine, or with the operator's token.
 */
export function createHealthApi(deps: HealthDeps): Hono<{ Bindings: Partial<HttpBindings> }> {
  const app = new Hono<{ Bindings: Partial<HttpBindings> }>();
  const storage = remembered(() => storageAnswers(deps.blobs), deps.clock, KEEP_STORAGE_MS);
  const facts = remembered(() => factsOf(deps, storage), deps.clock, KEEP_MS);
  app.onError((error) => {
    const told = clientError(error);
    const headers = { 'content-type': ERROR_CONTENT_TYPE };
    return new Response(storeErrorBody(told), { status: told.status, headers });
  });
  for (const path of ['/_status/ping', '/healthz']) app.get(path, (c) => c.text('OK\n'));
  for (const path of ['/_status/check', '/readyz'])
    app.get(path, async (c) => {
      const found = await facts();
      const ready = found.databaseAnswers && found.parts.temporal;
      const lines = Object.entries({ ...found.parts, ...hsmPart(deps.hsm()) }).map(
        ([part, up]) => `${part} ${up ? 'OK' : 'failed'}\n`,
      );
      return c.text(lines.join(''), ready ? 200 : 503);
    });
  app.get('/metrics', async (c) => {
    const here = LOOPBACK.test(c.env.incoming?.socket.remoteAddress ?? '');
    // What a front server on this machine passes on comes from elsewhere.
    const passedOn = c.req.header('x-forwarded-for') !== undefined || c.req.header('forwarded') !== undefined;
    if (!(here && !passedOn) && !deps.isOperator(c.req.header('authorization')))
      throw new AirlockError(
        'unauthenticated',
        'operator-token-invalid',
        "cannot show metrics to another machine without the operator's token",
      );
    await measure(deps, await facts());
    const { body, contentType } = await deps.metrics.text();
    return c.body(body, 200, { 'content-type': contentType });
  });
  app.notFound(() => new Response('not found\n', { status: 404, headers: { 'content-type': 'text/plain' } }));
  return app;
}

interface Facts {
  /** Which parts do all that they are for. */
  readonly parts: {
    readonly database: boolean;
    readonly temporal: boolean;
    /** The folder or bucket with the files of snaps. */
    readonly storage: boolean;
  };
  /** A database that takes no changes still tells devices what there is. */
  readonly databaseAnswers: boolean;
}

async function factsOf(
  { database, temporalHealthy }: HealthDeps,
  storage: () => Promise<boolean>,
): Promise<Facts> {
  const [state, temporal, storageUp] = await Promise.all([
    database.check().catch(() => undefined),
    works(temporalHealthy()),
    storage(),
  ]);
  return {
    parts: { database: state === 'ok', temporal, storage: storageUp },
    databaseAnswers: state !== undefined,
  };
}

/** Whether the store of blobs answers, and that soon. */
function storageAnswers(blobs: BlobStore): Promise<boolean> {
  return works(Promise.race([blobs.check(), sleep(STORAGE_MS, false, { ref: false })]));
}

function works(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    (answer) => answer !== false,
    () => false,
  );
}

/** Everything that is looked up when somebody asks, and not counted as it happens. */
async function measure(deps: HealthDeps, { parts, databaseAnswers }: Facts): Promise<void> {
  const { metrics, blobs, settings, database } = deps;
  for (const [part, up] of Object.entries(parts)) metrics.partUp.set({ part }, up ? 1 : 0);
  metrics.diskFreeBytes.set(await freeBytes(blobs.stagingFolder));
  measureHsm(deps);
  if (!databaseAnswers) return;
  const backup = await readLastBackup(settings);
  if (backup?.verified) metrics.lastVerifiedBackup.set(Date.parse(backup.at) / 1000);
  const certificate = describeSetCertificate(await settings.get('proxy.tls.cert'));
  metrics.certificateEnds.reset();
  if (certificate !== undefined)
    metrics.certificateEnds.set({ subject: certificate.subject }, Date.parse(certificate.until) / 1000);
  const imports = await database.queries
    .selectFrom('ImportRecord')
    .select((eb) => ['kind', eb.fn.max('importedAt').as('at')])
    .where('outcome', '=', 'imported')
    .groupBy('kind')
    .execute();
  for (const { kind, at } of imports) metrics.lastImport.set({ kind }, Date.parse(at) / 1000);
  const waiting = await database.queries
    .selectFrom('SerialIntent')
    .select((eb) => eb.fn.countAll().as('rows'))
    .where('signedAt', 'is', null)
    .executeTakeFirst();
  metrics.intentsWaiting.set(Number(waiting?.rows ?? 0));
}

/** The HSM is up when each of its tokens can sign; nothing is said where no token is. */
function hsmPart(tokens: readonly HsmFacts[]): { readonly hsm?: boolean } {
  if (tokens.length === 0) return {};
  return { hsm: tokens.every(({ failure }) => failure === undefined) };
}

/** A token that was taken out of the settings leaves the figures. */
function measureHsm({ metrics, hsm }: HealthDeps): void {
  const tokens = hsm();
  for (const gauge of [metrics.hsmQueue, metrics.hsmConnections, metrics.hsmProbeSeconds]) gauge.reset();
  for (const [part, up] of Object.entries(hsmPart(tokens))) metrics.partUp.set({ part }, up ? 1 : 0);
  for (const { name: token, waiting, connections, lastProbe } of tokens) {
    metrics.hsmQueue.set({ token }, waiting);
    metrics.hsmConnections.set({ token }, connections.open);
    const probe = lastProbe?.milliseconds;
    if (probe !== undefined) metrics.hsmProbeSeconds.set({ token }, probe / 1000);
  }
}

function remembered<T>(look: () => Promise<T>, clock: () => Date, keepMs: number): () => Promise<T> {
  let kept: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    const now = clock().getTime();
    if (kept === undefined || Math.abs(now - kept.at) >= keepMs) kept = { at: now, answer: look() };
    return kept.answer;
  };
}
