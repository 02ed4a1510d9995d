import { readFile } from 'node:fs/promises';
import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import type { TemporalConfig } from '../config/index.ts';
import { sentenceOf } from '../errors.ts';
import { noTracing, type Tracing } from '../telemetry/index.ts';
import { WorkerError } from './errors.ts';
import { installRuntime } from './runtime.ts';
import { traceStarts } from './trace-interceptors.ts';

/** One way to the Temporal server, shared by the workers of a process and by its client. */
export interface TemporalConnection {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  /** True when the server answers within two seconds. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

type Endpoint = TemporalConfig['env']['local'];

const ANSWER_MS = 2_000;

/**
 * Connects to the server of `env: local`.
 * @param address HOST:PORT in place of the configured one: the embedded server's
 * @throws WorkerError `temporal-unreachable` naming the address, or `temporal-tls-unreadable` naming the file
 */
export async function connectTemporal(
  config: TemporalConfig,
  dataConverter: DataConverter,
  address: string = config.env.local.address,
  tracing: Tracing = noTracing,
): Promise<TemporalConnection> {
  installRuntime(config);
  const endpoint = config.env.local;
  const tls = await tlsOf(endpoint);
  const apiKey = endpoint['api-key'];
  const connection = await NativeConnection.connect({
    address,
    ...(tls !== undefined && { tls }),
    ...(apiKey !== undefined && { apiKey }),
  }).catch((cause: unknown) => {
    throw new WorkerError(
      'unavailable',
      'temporal-unreachable',
      `cannot reach the Temporal server at ${address}: ${reasonOf(cause)}; start it, or check env.local in temporal.yaml`,
      { cause },
    );
  });
  const { namespace } = endpoint;
  return {
    connection,
    client: new Client({
      connection,
      namespace,
      dataConverter,
      ...(tracing.on && { interceptors: { workflow: [traceStarts(tracing)] } }),
    }),
    namespace,
    healthy: () => answers(connection),
    close: () => connection.close(),
  };
}

async function answers(connection: NativeConnection): Promise<boolean> {
  return connection
    .withDeadline(Date.now() + ANSWER_MS, () => connection.workflowService.getSystemInfo({}))
    .then(
      () => true,
      () => false,
    );
}

async function tlsOf(endpoint: Endpoint) {
  const { 'tls-ca-path': ca, 'tls-cert-path': cert, 'tls-key-path': key } = endpoint;
  const serverName = endpoint['tls-server-name'];
  if (!endpoint.tls && ca === undefined && cert === undefined) return undefined;
  return {
    ...(serverName !== undefined && { serverNameOverride: serverName }),
    ...(ca !== undefined && { serverRootCACertificate: await fileOf(ca, 'tls-ca-path') }),
    ...(cert !== undefined &&
      key !== undefined && {
        clientCertPair: { crt: await fileOf(cert, 'tls-cert-path'), key: await fileOf(key, 'tls-key-path') },
      }),
  };
}

async function fileOf(path: string, setting: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new WorkerError(
      'invalid',
      'temporal-tls-unreadable',
      `cannot read the file of ${setting} in temporal.yaml: ${sentenceOf(cause)}`,
      { cause },
    );
  });
}

/** The innermost reason of the SDK's connection errors, which are records of Rust in one line. */
function reasonOf(cause: unknown): string {
  const text = sentenceOf(cause);
  return /message: "([^"]+)"/.exec(text)?.[1]?.toLowerCase() ?? text;
}
