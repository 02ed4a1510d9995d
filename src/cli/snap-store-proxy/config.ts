import { Command, Option } from '@commander-js/extra-typings';
import { z } from 'zod';

import { Settings, isSecretSetting, isSettingKey, unusedReason } from '../../config/index.ts';
import type { CliContext } from '../context.ts';
import { CliError, usageError } from '../errors.ts';
import { readDocument } from '../files.ts';
import type { HttpClient } from '../http-client.ts';
import { operatorClient } from '../operator.ts';
import { note, print, printJson } from '../terminal.ts';
import { configList } from './contract.ts';
import { settingValue } from './setting-value.ts';

const settingSchema = z.looseObject({ key: z.string(), value: z.string() });
const yamlSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
);
/** In place of a value: it is read from standard input, where no list of processes shows it. */
const FROM_INPUT = '-';
/** What the host says of a single setting, by its name. */
const LINE_REFUSED: ReadonlySet<string> = new Set([
  'setting-invalid',
  'setting-unknown',
  'setting-kept',
  'login-file-malformed',
  'certificate-key-wrong',
  'store-unknown',
]);

/** `config`: lists, shows, sets and unsets settings; secrets are shown only when asked for by name. */
export function configCommand(context: CliContext) {
  return new Command('config')
    .description('list settings, show some (KEY), set some (KEY=VALUE), or unset some (KEY=)')
    .argument(
      '[settings...]',
      'KEY, KEY=VALUE, or KEY=- to give the value on standard input, all of it or, of several, a line each',
    )
    .option('--export-yaml', 'print everything, secrets too but no PIN, as YAML')
    .addOption(
      new Option('--import-yaml', 'read settings as YAML from standard input; null unsets').conflicts(
        'exportYaml',
      ),
    )
    .option('--json', 'print the settings as JSON')
    .action(async (words, options) => {
      if (words.length > 0 && (options.exportYaml || options.importYaml))
        throw usageError('cannot take single settings with --export-yaml or --import-yaml: leave them out');
      if (words.includes(''))
        throw usageError('cannot use a setting without a name: "config" alone lists all of them');
      const client = await operatorClient(context);
      const json = options.json ?? false;
      if (options.exportYaml) return exportYaml(context, client, json);
      if (options.importYaml) return importYaml(context, client, json);
      const assignments = words.filter((word) => word.includes('='));
      if (assignments.length > 0 && assignments.length < words.length) {
        throw usageError('cannot show and set settings in one command: use two');
      }
      if (assignments.length > 0) return change(context, client, assignments, json);
      if (words.length > 0) return show(context, client, words, json);
      const { settings } = await client.request('/ops/v1/config', configList);
      if (json) return printJson(context.terminal, settings);
      for (const { key, value } of settings) print(context.terminal, `${key}: ${value}`);
    });
}

/** One setting alone is printed as its value, as the backup of seed 000 needs it; several with their keys. */
async function show(
  context: CliContext,
  client: HttpClient,
  keys: readonly string[],
  json: boolean,
): Promise<void> {
  const settings = [];
  for (const key of keys) {
    settings.push(await client.request(`/ops/v1/config/${encodeURIComponent(key)}`, settingSchema));
  }
  if (json) return printJson(context.terminal, settings);
  const [only] = settings;
  if (settings.length === 1 && only && isSecretWithoutValue(only))
    return note(context.terminal, `${only.key} has no value.`);
  for (const { key, value } of settings)
    print(context.terminal, keys.length === 1 ? value : `${key}: ${value}`);
}

/** A file that is made of this is kept as the secret: a word in it would be taken for one. */
function isSecretWithoutValue({ key, value }: { readonly key: string; readonly value: string }): boolean {
  return value === 'None' && isSettingKey(key) && isSecretSetting(key);
}

async function change(
  context: CliContext,
  client: HttpClient,
  assignments: readonly string[],
  json: boolean,
): Promise<void> {
  const set: Record<string, string> = {};
  const unset: string[] = [];
  const asked = assignments.filter((assignment) => assignment.endsWith(`=${FROM_INPUT}`)).length;
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    const key = assignment.slice(0, at);
    const value = assignment.slice(at + 1);
    if (value === '') unset.push(key);
    else set[key] = value === FROM_INPUT ? await givenValue(context, key, asked) : value;
  }
  await client.perform('/ops/v1/config', { method: 'PATCH', json: { set, unset } });
  const changed = await listedOf(client, [...Object.keys(set), ...unset]);
  noteUnused(context, Object.entries(set));
  if (json) return printJson(context.terminal, changed);
  for (const { key, value } of changed) print(context.terminal, `${key}: ${value}`);
}

/** What the host lists for some settings. */
async function listedOf(client: HttpClient, keys: readonly string[]) {
  const { settings } = await client.request('/ops/v1/config', configList);
  return settings.filter(({ key }) => keys.includes(key));
}

/** The value of `KEY=-`: one alone may have many lines, as keys and certificates do; several are a line each. */
async function givenValue(context: CliContext, key: string, asked: number): Promise<string> {
  if (asked > 1 || context.terminal.stdin.isTTY) return context.prompts.askHidden(key);
  const given = (await readDocument(context, '-')).replace(/[\r\n]+$/, '');
  if (given !== '') return given;
  throw new CliError('invalid', 'input-ended', `cannot go on without this: ${key}`);
}

/** As JSON it is YAML still, and can be imported. */
async function exportYaml(context: CliContext, client: HttpClient, json: boolean): Promise<void> {
  const { settings } = await client.request('/ops/v1/config', configList);
  const whole: Record<string, string> = {};
  for (const { key, readable } of settings) {
    if (!readable) continue;
    const value = await settingValue(client, key);
    if (value !== 'None') whole[key] = value;
  }
  if (json) return printJson(context.terminal, whole);
  const { stringify } = await import('yaml');
  context.terminal.stdout.write(stringify(whole));
}

async function importYaml(context: CliContext, client: HttpClient, json: boolean): Promise<void> {
  const { parse } = await import('yaml');
  const document = await readDocument(context, '-');
  const settings = parseSettings(() => parse(document));
  const set: Record<string, string> = {};
  const unset: string[] = [];
  for (const [key, value] of Object.entries(settings)) {
    if (value === null) unset.push(key);
    else set[key] = Array.isArray(value) ? JSON.stringify(value) : String(value);
  }
  await client.perform('/ops/v1/config', { method: 'PATCH', json: { set, unset } }).catch(ofOneLine);
  if (json) printJson(context.terminal, await listedOf(client, Object.keys(settings)));
  else print(context.terminal, `${Object.keys(settings).length} settings imported.`);
  // An exported configuration has every default: those say nothing.
  const usual = new Settings(new Map());
  noteUnused(
    context,
    Object.entries(set).filter(([key, value]) => isSettingKey(key) && usual.text(key) !== value),
  );
}

/** One line that is refused, as an export of an older version may hold, keeps the others out: the operator must hear so. */
function ofOneLine(error: unknown): never {
  if (!(error instanceof CliError) || !LINE_REFUSED.has(error.told ?? '')) throw error;
  const { kind, code, message, told } = error;
  const sentence = `${message}; nothing was imported: correct that line or remove it, and import again`;
  throw new CliError(kind, code, sentence, { cause: error, told });
}

/** Tells of what was set, and does nothing here, that it does nothing. */
function noteUnused(context: CliContext, set: readonly (readonly [key: string, value: string])[]): void {
  for (const [key] of set) {
    const reason = isSettingKey(key) ? unusedReason(key) : undefined;
    if (reason !== undefined)
      note(context.terminal, `${key} is kept, and not used by Airlock because ${reason}.`);
  }
}

function parseSettings(parse: () => unknown): z.infer<typeof yamlSchema> {
  try {
    return yamlSchema.parse(parse());
  } catch {
    throw usageError(
      'cannot read the settings from standard input: YAML with one KEY: VALUE a line is needed',
    );
  }
}
