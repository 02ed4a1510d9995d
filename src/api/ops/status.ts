import proto from '@temporalio/proto';
import { Hono } from 'hono';
import type { z } from 'zod';
import { DEFAULT_TOKEN, Settings } from '../../config/index.ts';
import { sentenceOf } from '../../errors.ts';
import { ownStoreId, readLastBackup, type DatabaseState } from '../../storage/index.ts';
import { keysInForce, signatureCounts } from '../../storage/model-service/index.ts';
import { QUEUES } from '../../workflows/options.ts';
import type { status } from './host-contract.ts';
import type { OpsDeps } from './deps.ts';
import { freeBytes } from '../../bundles/index.ts';
import { describeSetCertificate } from '../tls/certificate-chain.ts';
import { accountKeysHere, bytesHere, devicesHere, newestImport, storesHere } from './status-rows.ts';
import { serviceList } from './status-services.ts';

type Status = z.input<typeof status>;

const ASK_MS = 2_000;
const { TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/** How the host is. */
export function statusRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  app.get('/status', async (context) => context.json(await statusOf(deps)));
  return app;
}

async function statusOf(deps: OpsDeps): Promise<Status> {
  const healthy = await deps.temporalHealthy();
  const free = await freeBytes(deps.blobs.stagingFolder);
  let database: DatabaseState;
  try {
    database = await deps.database.check();
  } catch {
    const services = serviceList({
      airgap: true,
      failure: 'the database does not answer',
      temporal: healthy,
      storageFailure: null,
      hsmFailure: null,
    });
    return {
      ...EMPTY,
      storeUrl: deps.url(),
      database: 'unavailable',
      databaseServer: serverOf(deps),
      services,
      storageFailure: null,
      disk: { free, blobs: 0 },
      temporalUi: deps.temporalUi,
    };
  }
  const { queries } = deps.database;
  // Where the files of snaps are is in the database: asked for only where that answers.
  const storageFailure = await failureOf(deps.blobs.check());
  const settings = new Settings(await deps.settings.all());
  const airgap = settings.flag('proxy.airgap');
  return {
    storeUrl:
      settings.text('internal.store.url') ??
      (settings.isSet('proxy.domain') ? addressOf(settings.text('proxy.domain'), deps.url()) : deps.url()),
    database,
    databaseServer: serverOf(deps),
    airgap,
    storeId: (await ownStoreId(queries, settings.text('internal.store.id'))) ?? null,
    services: serviceList({
      airgap,
      failure: null,
      temporal: healthy,
      storageFailure,
      hsmFailure: hsmFailureOf(deps),
    }),
    storageFailure,
    stores: await storesHere(queries),
    accountKeys: await accountKeysHere(queries),
    devices: await devicesHere(queries),
    ...(await hsmOf(deps)),
    missingKeys: await missingKeys(deps),
    signatureDiscrepancies: (await signatureCounts(queries)).filter(
      ({ counted, inLog }) => counted !== inLog,
    ),
    disk: { free, blobs: await bytesHere(queries) },
    certificate: describeSetCertificate(settings.text('proxy.tls.cert')) ?? null,
    lastImport: await newestImport(queries),
    lastBackup: (await readLastBackup(deps.settings)) ?? null,
    temporalUi: deps.temporalUi,
  };
}

/** The host name alone: the rest of the address may hold a password. */
function serverOf({ database: { location } }: OpsDeps): string | null {
  if ('file' in location) return null;
  return URL.parse(location.postgresql)?.hostname || 'localhost';
}

/** Where this host listens, under the name that it has; a name with a port stands for a front server. */
function addressOf(domain: string | undefined, listening: string): string {
  const url = URL.parse(listening);
  if (!domain || !url) return listening;
  url.host = domain.includes(':') && !domain.endsWith(']') ? domain : domain + portOf(url);
  return url.href.replace(/\/$/, '');
}

function portOf({ port }: URL): string {
  return port === '' ? '' : `:${port}`;
}

const EMPTY = {
  airgap: true,
  storeId: null,
  stores: [],
  accountKeys: [],
  devices: 0,
  hsm: null,
  hsmTokens: [],
  missingKeys: [],
  signatureDiscrepancies: [],
  certificate: null,
  lastImport: null,
  lastBackup: null,
} as const satisfies Partial<Status>;

async function hsmOf(deps: OpsDeps): Promise<Pick<Status, 'hsm' | 'hsmTokens'>> {
  if (deps.hsm().length === 0) return { hsm: await hsmElsewhere(deps), hsmTokens: [] };
  const hsmTokens = deps.hsm().map(({ name, state, words }) => ({ name, state, detail: words }));
  const usual = hsmTokens.find(({ name }) => name === DEFAULT_TOKEN);
  return { hsm: usual === undefined ? null : { state: usual.state, detail: usual.detail }, hsmTokens };
}

/** Keys in force that the last look at their token did not find; a policy that changed since counts at once. */
async function missingKeys({ hsm, database }: OpsDeps): Promise<Status['missingKeys']> {
  const missing = new Set(hsm().flatMap(({ lastProbe }) => lastProbe?.missing ?? []));
  if (missing.size === 0) return [];
  const keys = (await keysInForce(database.queries)).filter(({ hsmKeyId }) => missing.has(hsmKeyId));
  return keys.map(({ brandId, name, keyId, token, models }) => ({
    brandId,
    name,
    keyId,
    token,
    models: [...models],
  }));
}

/** Who has the HSM where this process has not: a worker of its own that asks Temporal for such work. */
async function hsmElsewhere({ client }: OpsDeps): Promise<Status['hsm']> {
  const answer = await client.connection
    .withDeadline(Date.now() + ASK_MS, () =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: QUEUES.hsm },
        taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
      }),
    )
    .catch(() => undefined);
  if (answer === undefined) return { state: 'unknown', detail: 'the Temporal server does not answer' };
  const workers = answer.pollers.flatMap(({ identity }) => (identity ? [identity] : []));
  if (workers.length === 0) return null;
  return { state: 'elsewhere', detail: `with the worker ${workers.join(', ')}` };
}

/** Why some token cannot sign, in words; null when each can. */
function hsmFailureOf(deps: OpsDeps): string | null {
  const failures = deps.hsm().flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  return failures.length === 0 ? null : failures.join('; ');
}

/** The sentence of what went wrong; null when nothing did. */
function failureOf(asked: Promise<void>): Promise<string | null> {
  return asked.then(() => null, sentenceOf);
}
