import { homedir } from 'node:os';
import { join } from 'node:path';

import { CliError } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** How an operator's command finds the running appliance; each may come from an option or the environment. */
export interface ConnectionOptions {
  /** `--data` or AIRLOCK_DATA: the data folder of an appliance on this machine. */
  readonly data?: string | undefined;
  /** `--url` or AIRLOCK_URL. */
  readonly url?: string | undefined;
  /** `--token-file` or AIRLOCK_OPERATOR_TOKEN_FILE; the token itself in AIRLOCK_OPERATOR_TOKEN. */
  readonly tokenFile?: string | undefined;
}

/** Where an appliance is and the operator's token for it. */
export interface OperatorConnection {
  readonly url: string;
  readonly token: string;
}

/** The folder of an appliance when nobody names one: the snap's, root's or the person's own. */
function defaultDataFolder(env: Terminal['env']): string {
  if (env['AIRLOCK_DATA']) return env['AIRLOCK_DATA'];
  if (env['SNAP_COMMON']) return join(env['SNAP_COMMON'], 'airlock');
  if (process.getuid?.() === 0) return '/var/lib/airlock';
  return join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'airlock');
}

/**
 * Finds the appliance: an address and token that were named, else what the running one wrote to its data folder.
 *
 * @throws CliError `not-configured` when neither is there
 */
export async function findAppliance(
  options: ConnectionOptions,
  env: Terminal['env'],
): Promise<OperatorConnection> {
  const url = await findAddress(options, env);
  const tokenFile =
    options.tokenFile ?? env['AIRLOCK_OPERATOR_TOKEN_FILE'] ?? (await folderOf(options, env)).operatorToken;
  return { url, token: env['AIRLOCK_OPERATOR_TOKEN'] ?? (await readToken(tokenFile)) };
}

/**
 * Where the appliance is, for who needs no operator's token; without a slash at its end.
 *
 * @throws CliError `not-configured` when nothing says so
 */
export async function findAddress(options: ConnectionOptions, env: Terminal['env']): Promise<string> {
  const { readAddresses } = await import('../config/index.ts');
  const folder = await folderOf(options, env);
  const url = options.url ?? env['AIRLOCK_URL'] ?? (await readAddresses(folder))?.url;
  if (url !== undefined) return url.replace(/\/+$/, '');
  const sentence = `cannot find a running Airlock in ${folder.root}: start it with "airlock up", or name another by --data or --url`;
  throw new CliError('unavailable', 'not-configured', sentence);
}

async function folderOf({ data }: ConnectionOptions, env: Terminal['env']) {
  const { DataFolder } = await import('../config/data-folder.ts');
  return new DataFolder(data ?? defaultDataFolder(env), env);
}

async function readToken(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const sentence = `cannot read the operator's token ${file}: run this as the user that runs Airlock, or name a token by --token-file`;
    throw new CliError('forbidden', 'file-unreadable', sentence, { cause });
  }
}
