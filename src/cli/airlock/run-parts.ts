import { Command, Option } from '@commander-js/extra-typings';
import type { startAppliance, Parts } from '../../appliance/appliance.ts';
import { parseRole, ROLES } from '../../appliance/roles.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { print } from '../terminal.ts';

const PARTS = {
  up: {
    description: 'run everything: Temporal, worker and API, on one machine',
    parts: { temporalServer: true, worker: true, api: true },
  },
  api: { description: 'run the API alone', parts: { temporalServer: false, worker: false, api: true } },
  worker: { description: 'run a worker alone', parts: { temporalServer: false, worker: true, api: false } },
} as const satisfies Record<string, { readonly description: string; readonly parts: Parts }>;

/** `airlock up`, `airlock api` and `airlock worker`: run parts of the product until they are told to stop. */
export function runPartsCommand(context: CliContext, name: keyof typeof PARTS) {
  const { description, parts } = PARTS[name];
  return new Command(name)
    .description(description)
    .addOption(new Option('--role <role>', 'who this host serves; chosen at its first start').choices(ROLES))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', '8000')
    .option(
      '--https-port <number>',
      'port for HTTPS, once a certificate was imported; 0 takes a free one',
      '8443',
    )
    .option('--temporal-port <number>', 'port of the embedded Temporal server; 0 takes a free one')
    .option('--temporal-ui-port <number>', 'port of Temporal UI; 0 takes a free one')
    .option('--no-worker', 'leave the work to "airlock worker"')
    .action(async (options) => {
      await runUntilStopped(context, {
        parts: { ...parts, worker: parts.worker && options.worker },
        data: dataFolder(context),
        role: options.role && parseRole(options.role),
        host: options.host,
        port: portOf('--port', options.port) ?? 8000,
        httpsPort: portOf('--https-port', options.httpsPort) ?? 8443,
        temporalPort: portOf('--temporal-port', options.temporalPort),
        temporalUiPort: portOf('--temporal-ui-port', options.temporalUiPort),
      });
    });
}

type RunOptions = Omit<Parameters<typeof startAppliance>[0], 'env' | 'log'>;

/** The parts are loaded here, so that no other command has to wait for them. */
async function runUntilStopped({ terminal }: CliContext, options: RunOptions): Promise<void> {
  const { startAppliance } = await import('../../appliance/appliance.ts');
  const { createLog, logLevelOf } = await import('../../telemetry/index.ts');
  const { env } = terminal;
  const stopping = stopSignal();
  const appliance = await startAppliance({ ...options, env, log: createLog(logLevelOf(env)) });
  if (appliance.temporalUi) print(terminal, `airlock: Temporal UI at ${appliance.temporalUi}`);
  print(terminal, appliance.url === undefined ? 'airlock: ready' : `airlock: ready at ${appliance.url}`);
  await stopping;
  await appliance.stop();
  print(terminal, 'airlock: stopped');
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

function dataFolder({ connection, terminal }: CliContext): string {
  const given = connection.data ?? terminal.env['AIRLOCK_DATA'];
  if (given) return given;
  throw new CliError(
    'invalid',
    'not-configured',
    'cannot start without a data folder: name one by --data or AIRLOCK_DATA',
  );
}

function portOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new CliError(
    'invalid',
    'not-configured',
    `cannot use ${option} ${text.slice(0, 20)}: a port is a number from 0 to 65535`,
  );
}
