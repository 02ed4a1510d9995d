import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { sentenceOf } from '../errors.ts';
import { readAs } from '../read-as.ts';
import { ConfigError } from './errors.ts';
import { temporalFile, type TemporalConfig } from './temporal-schema.ts';

/** The file that ships with the product. */
const SHIPPED_FILE = fileURLToPath(new URL('../../temporal.yaml', import.meta.url));

/** Environment variables that replace one value of `env: local` each. */
const OVERRIDES: readonly (readonly [variable: string, key: string])[] = [
  ['AIRLOCK_TEMPORAL_ADDRESS', 'address'],
  ['AIRLOCK_TEMPORAL_NAMESPACE', 'namespace'],
  ['AIRLOCK_TEMPORAL_TLS', 'tls'],
  ['AIRLOCK_TEMPORAL_TLS_SERVER_NAME', 'tls-server-name'],
  ['AIRLOCK_TEMPORAL_TLS_CA_PATH', 'tls-ca-path'],
  ['AIRLOCK_TEMPORAL_TLS_CERT_PATH', 'tls-cert-path'],
  ['AIRLOCK_TEMPORAL_TLS_KEY_PATH', 'tls-key-path'],
  ['AIRLOCK_TEMPORAL_API_KEY', 'api-key'],
];

/** Where to read the configuration from. */
export interface TemporalConfigSource {
  /** A file to read in place of `AIRLOCK_TEMPORAL_CONFIG` or the shipped one. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads temporal.yaml, puts the environment's values over it and checks the whole.
 * @throws ConfigError `config-file-unreadable` or `config-file-invalid`, naming the file and the value at fault.
 */
export async function loadTemporalConfig(source: TemporalConfigSource): Promise<TemporalConfig> {
  const file = source.file ?? source.env['AIRLOCK_TEMPORAL_CONFIG'] ?? SHIPPED_FILE;
  return parseTemporalConfig(await textOf(file), file, source.env);
}

/** The same for a text that was read already; `name` is how errors call it. */
export function parseTemporalConfig(
  text: string,
  name: string,
  env: Readonly<Record<string, string | undefined>> = {},
): TemporalConfig {
  const result = readAs(temporalFile, withOverrides(yamlOf(text, name), env));
  if (result.success) return result.data;
  throw new ConfigError('invalid', 'config-file-invalid', `cannot use ${name}: ${result.fault}`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'invalid',
      'config-file-unreadable',
      `cannot read the Temporal configuration: ${sentenceOf(cause)}`,
      { cause },
    );
  }
}

function yamlOf(text: string, name: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (cause) {
    const [line = ''] = sentenceOf(cause).split('\n');
    throw new ConfigError('invalid', 'config-file-invalid', `cannot read ${name} as YAML: ${line}`, {
      cause,
    });
  }
}

const looseSections = z.looseObject({
  env: z.looseObject({ local: z.looseObject({}).optional() }).optional(),
});

function withOverrides(file: unknown, env: Readonly<Record<string, string | undefined>>): unknown {
  const sections = looseSections.safeParse(file);
  if (!sections.success) return file;
  const local: Record<string, unknown> = { ...sections.data.env?.local };
  for (const [variable, key] of OVERRIDES) {
    const value = env[variable];
    if (value !== undefined && value !== '') local[key] = key === 'tls' ? asBoolean(value) : value;
  }
  return { ...sections.data, env: { ...sections.data.env, local } };
}

/** Left as it is when it is neither, so that the schema names it. */
function asBoolean(value: string): unknown {
  return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value;
}
