import { loadTemporalConfig, type TemporalConfig } from '../config/index.ts';
import { connectTemporal, type TemporalConnection } from '../worker/connection.ts';
import { createDataConverter } from '../worker/data-converter.ts';
import { startDevServer, type DevServer } from '../worker/dev-server.ts';
import type { DataConverter } from '@temporalio/common';
import type { Foundation } from './foundation.ts';
import { readAddresses } from '../config/index.ts';

/** Temporal as one process uses it. */
export interface Temporal {
  readonly config: TemporalConfig;
  readonly dataConverter: DataConverter;
  readonly connection: TemporalConnection;
  /** HOST:PORT. */
  readonly address: string;
  readonly uiUrl: string | null;
  /** Present when this process runs the embedded server. */
  readonly server: DevServer | undefined;
}

/** Which server to use, and where its ports are when it is ours. */
export interface TemporalOptions {
  /** Start the embedded server; without, the configured one, or the one that `airlock up` runs on this data folder. */
  readonly embedded: boolean;
  /** Ports of the embedded server in place of those of temporal.yaml; 0 takes a free one. */
  readonly port?: number | undefined;
  readonly uiPort?: number | undefined;
  /** Where Temporal UI may open sealed payloads. */
  readonly codecEndpoint?: string | undefined;
}

/** Purpose of the keys that payloads are sealed with; part of their derivation, never to be changed. */
const PAYLOAD_KEYS = 'temporal payloads';

/** Connects to Temporal, after starting the embedded server where that is wanted. */
export async function openTemporal(foundation: Foundation, options: TemporalOptions): Promise<Temporal> {
  const config = withPorts(await loadTemporalConfig({ env: foundation.env }), options);
  const dataConverter = createDataConverter(foundation.secretBox.deriveKeys(PAYLOAD_KEYS));
  const server = options.embedded
    ? await startDevServer({
        config,
        log: foundation.log.child({ part: 'temporal-server' }),
        env: foundation.env,
        file: foundation.dataFolder.temporalDatabase,
        codecEndpoint: options.codecEndpoint,
      })
    : undefined;
  const running = server ? undefined : await runningServer(foundation);
  const address = server?.address ?? running?.temporal ?? config.env.local.address;
  const connection = await connectTemporal(config, dataConverter, address, foundation.tracing);
  return {
    config,
    dataConverter,
    connection,
    address,
    uiUrl: server?.uiUrl ?? running?.temporalUi ?? null,
    server,
  };
}

/** The server that `airlock up` runs on the same data folder, unless the environment names one. */
async function runningServer({ env, dataFolder }: Foundation) {
  return env['AIRLOCK_TEMPORAL_ADDRESS'] ? undefined : readAddresses(dataFolder);
}

function withPorts(config: TemporalConfig, { port, uiPort }: TemporalOptions): TemporalConfig {
  const { listen } = config.devServer;
  return {
    ...config,
    devServer: {
      ...config.devServer,
      listen: { ...listen, port: port ?? listen.port, uiPort: uiPort ?? listen.uiPort },
    },
  };
}
