import { randomBytes } from 'node:crypto';
import { followEgressProxy } from './egress-proxy.ts';
import { followEgressTrust } from './egress-trust.ts';
import { openFoundation, type Environment, type Foundation } from './foundation.ts';
import { createHttpApps } from './http.ts';
import { startListeners, type Listeners } from './listeners.ts';
import { servedRole, settleRole, type Role } from './roles.ts';
import { followSettings } from './settings-watch.ts';
import { writeAddresses } from '../config/index.ts';
import { openTemporal, type Temporal } from './temporal.ts';
import { startWork, type Work } from './work.ts';
import type { Log } from '../telemetry/index.ts';

/** Which parts run in this process: everything (`up`), or one of them for many machines (`api`, `worker`). */
export interface Parts {
  readonly temporalServer: boolean;
  readonly worker: boolean;
  readonly api: boolean;
}

/** How to start. */
export interface ApplianceOptions {
  readonly parts: Parts;
  readonly data: string;
  readonly role: Role | undefined;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** For HTTPS, once there is a certificate; 0 takes a free one. */
  readonly httpsPort: number;
  readonly temporalPort: number | undefined;
  readonly temporalUiPort: number | undefined;
  readonly env: Environment;
  readonly log: Log;
}

/** A running appliance. */
export interface Appliance {
  /** Where the API listens; undefined where none runs. */
  readonly url: string | undefined;
  readonly temporalUi: string | null;
  /** The role that it was started in. */
  readonly role: Role;
  /** Finishes what is in flight, loses nothing, and leaves no process behind. */
  stop(): Promise<void>;
}

/** Starts the parts in the order in which they need each other; what was started is stopped again when one fails. */
export async function startAppliance(options: ApplianceOptions): Promise<Appliance> {
  const closing: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  };
  try {
    return { ...(await start(options, closing)), stop };
  } catch (error) {
    await stop().catch((cause: unknown) => options.log.error({ error: cause }, 'could not stop cleanly'));
    throw error;
  }
}

async function start(
  options: ApplianceOptions,
  closing: (() => Promise<void>)[],
): Promise<Omit<Appliance, 'stop'>> {
  const foundation = await openFoundation(options);
  closing.push(() => foundation.tracing.close());
  closing.push(() => foundation.database.close());
  closing.push(await followEgressTrust(foundation));
  closing.push(await followEgressProxy(foundation));
  if (options.parts.temporalServer) {
    const lock = await foundation.dataFolder.lock();
    closing.push(() => lock.release());
  }
  const role = await settleRole(foundation.settings, options.role, foundation.clock(), () =>
    randomBytes(32).toString('hex'),
  );
  const temporal = await openTemporal(foundation, {
    embedded: options.parts.temporalServer,
    port: options.temporalPort,
    uiPort: options.temporalUiPort,
  });
  closing.push(async () => {
    await temporal.connection.close();
    await temporal.server?.stop();
  });
  const server = await startParts(foundation, temporal, role, options, closing);
  if (server)
    await writeAddresses(foundation.dataFolder, {
      url: server.url,
      temporal: temporal.address,
      temporalUi: temporal.uiUrl,
    });
  return { url: server?.url, temporalUi: temporal.uiUrl, role };
}

async function startParts(
  foundation: Foundation,
  temporal: Temporal,
  role: Role,
  { parts, host, port, httpsPort }: ApplianceOptions,
  closing: (() => Promise<void>)[],
): Promise<Listeners | undefined> {
  const running: { work?: Work; server?: Listeners } = {};
  const status = {
    hsm: () => running.work?.hsmTokens.status() ?? [],
    url: () => running.server?.httpsUrl() ?? running.server?.url ?? '',
  };
  const apps = parts.api
    ? await createHttpApps(foundation, temporal, { role, worksHere: parts.worker, status })
    : undefined;
  if (parts.worker) {
    const { provisioner } = apps ?? {};
    const work = await startWork(
      foundation,
      temporal,
      provisioner ? { announce: (serials) => provisioner.announce(serials) } : {},
    );
    running.work = work;
    closing.push(() => work.stop());
  }
  if (apps === undefined) return undefined;
  closing.push(await followRole(foundation, role, (served) => apps.serve(served)));
  const server = await startListeners(foundation, {
    fetch: (request, bindings) => apps.fetch(request, bindings),
    host,
    port,
    httpsPort,
  });
  closing.push(async () => {
    apps.provisioner.close();
    await server.close();
  });
  running.server = server;
  return server;
}

/** Air-gapped mode counts in every process without a restart. Returns what ends the following. */
async function followRole(
  foundation: Foundation,
  first: Role,
  serve: (role: Role) => Promise<void>,
): Promise<() => Promise<void>> {
  let present = first;
  return followSettings(foundation, async () => {
    const served = await servedRole(foundation.settings);
    if (served === present) return;
    await serve(served);
    present = served;
    foundation.log.info({ role: served }, 'serving in another role');
  });
}
