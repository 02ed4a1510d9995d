import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TemporalConfig } from '../config/index.ts';
import { WorkerError } from './errors.ts';

const OWN_PROGRAM = fileURLToPath(new URL('../../.tools/temporal/temporal', import.meta.url));

/**
 * The Temporal CLI: `AIRLOCK_TEMPORAL_CLI`, else the one that the set-up put into the project, else PATH.
 * @throws WorkerError `temporal-cli-missing`
 */
export async function findTemporalCli(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const given = env['AIRLOCK_TEMPORAL_CLI'];
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const places =
    given === undefined ? [OWN_PROGRAM, ...onPath.map((folder) => join(folder, 'temporal'))] : [given];
  for (const place of places) {
    const runs = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return place;
  }
  throw new WorkerError(
    'unavailable',
    'temporal-cli-missing',
    `cannot find the Temporal CLI${given === undefined ? '' : ` at ${given}`}: run "npm run setup", or set AIRLOCK_TEMPORAL_CLI to its path`,
  );
}

/** Where one run of the server listens. */
export interface ServerPorts {
  readonly port: number;
  readonly uiPort: number;
}

/** The arguments of `temporal` for the embedded server. Without a `file` it keeps everything in memory. */
export function serverArguments(
  config: TemporalConfig,
  ports: ServerPorts,
  {
    file,
    codecEndpoint,
  }: { readonly file?: string | undefined; readonly codecEndpoint?: string | undefined },
): string[] {
  const { listen, ui, log, sqlite, dynamicConfig } = config.devServer;
  const pairs = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  const json = Object.entries(dynamicConfig).map(([key, value]) => [key, JSON.stringify(value)] as const);
  return [
    ...['server', 'start-dev', '--disable-config-file', '--disable-config-env'],
    ...['--ip', listen.ip, '--port', `${ports.port}`],
    ...(ui.enabled ? ['--ui-port', `${ports.uiPort}`, '--ui-disable-news-fetch'] : ['--headless']),
    ...(listen.metricsPort === 0 ? [] : ['--metrics-port', `${listen.metricsPort}`]),
    ...(file === undefined ? [] : ['--db-filename', file, ...pairs('--sqlite-pragma', sqlite)]),
    ...(ui.enabled && codecEndpoint !== undefined ? ['--ui-codec-endpoint', codecEndpoint] : []),
    ...['--namespace', config.env.local.namespace],
    ...pairs('--search-attribute', config.searchAttributes.custom),
    ...pairs('--dynamic-config-value', Object.fromEntries(json)),
    ...['--log-level', log.level, '--log-format', 'json', '--color', 'never'],
  ];
}
