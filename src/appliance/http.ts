import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { MiddlewareHandler } from 'hono';
import { createDeviceApi } from '../api/device/index.ts';
import type { Provisioner } from '../api/device/provisioning/provisioner.ts';
import { createFront, type Answering, type Counter } from '../api/front.ts';
import { operatorCheck, operatorGate } from '../api/operator-gate.ts';
import { AccountExports } from '../api/carry/account-exports.ts';
import { createAccountExportApi } from '../api/carry/exports.ts';
import { createCarryApi } from '../api/carry/index.ts';
import { FileCache } from '../api/online/file-cache.ts';
import { createOnlineApi, FORWARDED } from '../api/online/index.ts';
import { PinBook } from '../api/online/pin-book.ts';
import { createOpsApi } from '../api/ops/index.ts';
import { createOverridesApi, OVERRIDE_PATHS } from '../api/overrides/index.ts';
import { OverrideBook } from '../api/overrides/book.ts';
import { localSnaps } from '../api/overrides/local-snaps.ts';
import { StoreAdmins } from '../api/overrides/store-admins.ts';
import { upstreamSnaps } from '../api/overrides/upstream-snaps.ts';
import { authorityProcesses, createAuthorityOps, createPublisherApi } from '../api/publisher/index.ts';
import { createHealthApi, HEALTH_PATHS } from '../api/watch/health.ts';
import { traced } from '../api/watch/traced.ts';
import { watched } from '../api/watch/watched.ts';
import { operatorToken, Settings } from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import { TokenOffice } from '../storage/authority/index.ts';
import { deviceSecrets, openFileBlobStore } from '../storage/index.ts';
import { createMetrics, type Log, type Metrics } from '../telemetry/index.ts';
import { exportFolderOf, type Foundation } from './foundation.ts';
import { handOverOf } from './hand-over.ts';
import type { HttpOptions, Shared } from './http-parts.ts';
import { createProvisioner, modelServiceCounters } from './model-service.ts';
import type { Role } from './roles.ts';
import { siteOf } from './site.ts';
import type { Temporal } from './temporal.ts';

/** What answers HTTP, and what has to be told and closed with it. */
export interface HttpApps {
  readonly fetch: Answering['fetch'];
  /** Answers as the host of another role from the next request on; what is being answered is finished as it began. */
  serve(role: Role): Promise<void>;
  /** Hands fresh serials of a worker in this process to the requests that wait for them. */
  readonly provisioner: Provisioner;
}

/** Puts the apps together under their paths. */
export async function createHttpApps(
  foundation: Foundation,
  temporal: Temporal,
  options: HttpOptions,
): Promise<HttpApps> {
  const { database, blobs, settings, clock, log, tracing } = foundation;
  const random = (size: number) => new Uint8Array(randomBytes(size));
  const report = reporter(log.child({ part: 'api' }));
  const tokens = new TokenOffice({ database, settings, random });
  const shared = { ...options, foundation, temporal, tokens, random, report };
  const provisioner = createProvisioner(shared);
  const handOver = await handOverOf(foundation.env, clock, blobs);
  const device = createDeviceApi({
    database,
    blobs,
    deviceSecrets: () => deviceSecrets(settings),
    site: () => siteOf(settings, database.queries),
    clock,
    random,
    report,
    ...(handOver && { handOver }),
  });
  const token = await operatorToken(foundation.dataFolder);
  const metrics = createMetrics();
  const frontOf = async (role: Role) =>
    traced(createFront(await countersOf(role, shared, { provisioner, token, metrics }), device), tracing);
  let front = await frontOf(options.role);
  const current: Answering['fetch'] = (request, bindings) => front(request, bindings);
  return {
    fetch: watched(current, { metrics, log: log.child({ part: 'api' }) }),
    async serve(role) {
      front = await frontOf(role);
    },
    provisioner,
  };
}

/** The apps of a role. */
async function countersOf(
  role: Role,
  shared: Shared,
  own: { readonly provisioner: Provisioner; readonly token: string; readonly metrics: Metrics },
): Promise<Counter[]> {
  const { database, settings, clock } = shared.foundation;
  const source = role === 'online' ? upstreamSnaps(settings) : localSnaps(database.queries);
  const overrides = new OverrideBook({ database, source, clock });
  const operator = operatorGate(own.token);
  return [
    ...healthCounters(shared, own.metrics, own.token),
    ...(role === 'authority' ? authorityCounters(shared, operator) : []),
    ...(role === 'online' ? await onlineCounters(shared) : []),
    ...(role === 'airgap' ? await modelServiceCounters(shared, own.provisioner) : []),
    ...overrideCounters(shared, overrides, own.token),
    { prefix: '/ops/v1', app: opsApp(shared, overrides, operator) },
  ];
}

/** Probes and metrics, on every role. */
function healthCounters(
  { foundation, temporal, status }: Shared,
  metrics: Metrics,
  token: string,
): Counter[] {
  const { database, blobs, settings, clock } = foundation;
  const app = createHealthApi({
    database,
    blobs,
    settings,
    metrics,
    temporalHealthy: () => temporal.connection.healthy(),
    hsm: () => status.hsm(),
    isOperator: operatorCheck(token),
    clock,
  });
  return HEALTH_PATHS.map((prefix) => ({ prefix, app }));
}

/** An authority: the operator's routes, and what publishers ask. */
function authorityCounters(shared: Shared, operator: MiddlewareHandler): Counter[] {
  const { foundation, temporal, tokens, random, report } = shared;
  const { database, blobs, settings, clock, dataFolder } = foundation;
  const processes = authorityProcesses(temporal.connection.client);
  const exportFolder = exportFolderOf(dataFolder);
  const deps = { database, blobs, settings, tokens, processes, clock, random, report };
  const publisher = createPublisherApi(deps);
  return [
    { prefix: '/ops/v1/authority', app: createAuthorityOps(deps, operator) },
    {
      prefix: '/carry/v1/exports',
      app: createAccountExportApi({ ...deps, exports: accountExports(shared), exportFolder }),
    },
    { prefix: '/carry/v1', app: createCarryApi({ database, blobs, settings, tokens, clock, report }) },
    ...['/dev/api', '/api/v2', '/unscanned-upload', '/v1', '/publishergw'].map((prefix) => ({
      prefix,
      app: publisher,
    })),
  ];
}

/** Exports that accounts ask for. */
function accountExports({ temporal }: Shared): AccountExports {
  return new AccountExports({
    client: temporal.connection.client,
    codecs: temporal.dataConverter.payloadCodecs ?? [],
    temporalUi: null,
  });
}

/** An online host: store calls go on to the upstream; downloads are kept in a folder of their own, up to `proxy.cache.size` MB. */
async function onlineCounters({ foundation, random, report }: Shared): Promise<Counter[]> {
  const { dataFolder, database, settings, clock } = foundation;
  const folder = join(dataFolder.root, 'cache');
  const kept = await openFileBlobStore(join(folder, 'files'), join(folder, 'incoming'));
  const limit = async () => new Settings(await settings.all()).number('proxy.cache.size') * 1_000_000;
  const app = createOnlineApi({
    settings,
    pins: new PinBook(database.queries),
    cache: new FileCache(kept, limit),
    clock,
    random,
    report,
  });
  return FORWARDED.map((prefix) => ({ prefix, app }));
}

/** The documented API of overrides, on every role. */
function overrideCounters(
  { foundation, random, report }: Shared,
  overrides: OverrideBook,
  token: string,
): Counter[] {
  const { settings, clock } = foundation;
  const admins = new StoreAdmins({ settings, isOperator: operatorCheck(token), clock, random });
  const app = createOverridesApi({ overrides, admins, report });
  return OVERRIDE_PATHS.map((prefix) => ({ prefix, app }));
}

/** The operator's interface, on every role. */
function opsApp(
  { foundation, temporal, status, random, report }: Shared,
  overrides: OverrideBook,
  operator: MiddlewareHandler,
): Answering {
  const { database, blobs, settings, clock, dataFolder, secretBox } = foundation;
  const deps = {
    database,
    blobs,
    settings,
    masterKeys: {
      rotate: () => dataFolder.rotateMasterKey(secretBox),
      reseal: (name: string, sealed: string) => secretBox.reseal(name, sealed),
    },
    overrides,
    client: temporal.connection.client,
    codecs: temporal.dataConverter.payloadCodecs ?? [],
    temporalUi: temporal.uiUrl,
    temporalHealthy: () => temporal.connection.healthy(),
    hsm: () => status.hsm(),
    url: () => status.url(),
    clock,
    random,
    report,
  };
  return createOpsApi(deps, operator);
}

/** Writes failures of ours down as errors; that somebody asked for something wrong is their matter, and told at debug. */
function reporter(log: Log): (error: unknown) => void {
  return (error) => {
    const refusal =
      error instanceof AirlockError && error.kind !== 'internal' && error.kind !== 'unavailable';
    if (refusal) log.debug({ code: error.code }, 'a request was refused');
    else log.error({ error }, 'a request failed');
  };
}
