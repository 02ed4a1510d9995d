import { Command, Option } from '@commander-js/extra-typings';
import { z } from 'zod';

import { INVENTORY, SINCE, basisOf, remarkLeftOut } from '../basis.ts';
import { readAs } from '../../read-as.ts';
import type { CliContext } from '../context.ts';
import { WITH_DEPENDENCIES, remarkDependencies } from '../dependencies.ts';
import { usageError } from '../errors.ts';
import { makeExportFolder, readDocument } from '../files.ts';
import { listOption, splitNames } from '../lists.ts';
import { operatorClient } from '../operator.ts';
import { barLine } from '../progress.ts';
import type { ExportResult } from '../snap-store-proxy/contract.ts';
import { print, printJson } from '../terminal.ts';
import { runTransfer } from '../transfers.ts';
import { architecturesOf, channelsOf, listedKeyIds, snapNamesOf } from '../wishes.ts';
import { exportByLogin, exportingAuthority, type LoginWish } from './login-export.ts';

/** `store-admin export store STORE_ID`: a store with its snaps, metadata and keys, and an admin token beside it. */
export function exportStoreCommand(context: CliContext) {
  return new Command('store')
    .description('export a store with its snaps, metadata, keys and an admin token, for an air-gapped host')
    .argument('<store-id>', 'the device-view store of the brand')
    .option('--no-snaps', 'leave the snaps out')
    .addOption(channelOption())
    .addOption(architectureOption())
    .addOption(
      new Option(
        '--all',
        'every channel and architecture: such an export also carries which channels were closed and which snaps left the store',
      ).conflicts(['channel', 'arch']),
    )
    .addOption(
      listOption('--key <sha3-384>', 'account-key to add: those that sign models').default([], 'none'),
    )
    .option('--admin <account>', "who the admin token is for; the store's first admin when absent")
    .addOption(
      new Option(
        '--share-with <store=brand,...>',
        'other brands whose stores may include a store of this one, beside those of its definition; repeatable',
      )
        .argParser((text, earlier: Share[]) => [...earlier, parseShare(text)])
        .default([], 'none'),
    )
    .option(
      '--auth <file>',
      'at an authority without the operator\'s token, or on an online host whose upstream has the store: log-in file of "snapcraft export-login --acls package_access,store_admin"',
    )
    .option(...SINCE)
    .option(...INVENTORY)
    .option(...WITH_DEPENDENCIES)
    .option('--export-dir <folder>', 'where to write the files')
    .option('--watch', 'tell where Temporal UI shows the export')
    .option('--json', 'print the result as JSON')
    .action(async (store, options) => {
      const { admin, auth, shareWith } = options;
      if (admin !== undefined && auth !== undefined)
        throw usageError('cannot take --admin and --auth at once: the log-in says who the admin is');
      if (shareWith.length > 0 && auth !== undefined)
        throw usageError(
          'cannot take --share-with and --auth at once: the authority that has the store shares it',
        );
      if (options.withDependencies && !options.snaps)
        throw usageError(
          'cannot take --with-dependencies and --no-snaps at once: what snaps need comes along with them',
        );
      const wish = {
        kind: 'store',
        snaps: options.snaps,
        channels: options.all ? [] : channelsOf(options.channel).map(fullName),
        architectures: options.all ? [] : architecturesOf(options.arch),
        keys: listedKeyIds(options.key),
        ...(await basisOf(options)),
        withDependencies: options.withDependencies,
      };
      const result =
        auth === undefined
          ? await runExport(context, options, {
              ...wish,
              store,
              admin,
              ...(shareWith.length > 0 && { shareWith }),
            })
          : await exportStoreWithLogin(context, store, { ...options, auth }, wish);
      if (options.json) return printJson(context.terminal, result);
      remarkLeftOut(context, result);
      remarkDependencies(context, result);
      if (auth !== undefined) print(context.terminal, 'Logging in as store admin...');
      reportStore(context, result);
    });
}

/** `store-admin export snaps NAME…`: single snaps with their assertions. */
export function exportSnapsCommand(context: CliContext) {
  return new Command('snaps')
    .description('export snaps with their assertions, for an air-gapped host')
    .argument('[names...]', 'names of the snaps')
    .addOption(channelOption())
    .addOption(architectureOption())
    .option('--store <store-id>', 'store that the snaps are in')
    .option(
      '--auth <file>',
      'with --store, at an authority without the operator\'s token, or on an online host whose upstream has the store: log-in file of "snapcraft export-login --acls package_access"',
    )
    .option('--from-yaml <file>', 'exact revisions: a list "packages" of name, revision and push_channel')
    .option(...SINCE)
    .option(...INVENTORY)
    .option(...WITH_DEPENDENCIES)
    .option('--export-dir <folder>', 'where to write the files')
    .option('--watch', 'tell where Temporal UI shows the export')
    .option('--json', 'print the result as JSON')
    .action(async (names, options) => {
      const packages = options.fromYaml === undefined ? [] : await readPackages(context, options.fromYaml);
      if (names.length === 0 && packages.length === 0) {
        throw usageError('cannot export nothing: name snaps, or a file by --from-yaml');
      }
      const { auth, store } = options;
      const wish = {
        kind: 'snaps',
        names: snapNamesOf(names),
        packages,
        channels: channelsOf(options.channel).map(fullName),
        architectures: architecturesOf(options.arch),
        ...(await basisOf(options)),
        withDependencies: options.withDependencies,
      };
      const result =
        auth === undefined
          ? await runExport(context, options, { ...wish, store })
          : await exportSnapsWithLogin(context, store, { ...options, auth }, wish);
      if (options.json) return printJson(context.terminal, result);
      remarkLeftOut(context, result);
      remarkDependencies(context, result);
      reportSnaps(context, result);
      print(context.terminal, 'Successfully exported snaps:');
      for (const { subject, path } of result.files) print(context.terminal, `${subject}: ${path}`);
    });
}

function channelOption() {
  return listOption('--channel <channels>', 'channels, with commas between them').default(
    ['stable'],
    'stable',
  );
}

function architectureOption() {
  return listOption('--arch <architectures>', 'architectures, with commas between them').default(
    ['amd64'],
    'amd64',
  );
}

interface ExportOptions {
  readonly exportDir?: string | undefined;
  readonly watch?: true | undefined;
}

type AuthOptions = ExportOptions & { readonly auth: string };

/** A store by the log-in of its admin: from the authority itself, or by an online host whose upstream that is. */
async function exportStoreWithLogin(
  context: CliContext,
  store: string,
  { auth, ...options }: AuthOptions & { readonly all?: true | undefined },
  wish: LoginWish,
): Promise<ExportResult> {
  const authority = await exportingAuthority(context, auth);
  if (authority !== undefined) return exportByLogin(context, authority, { store, ...options }, wish);
  if (options.all)
    throw usageError(
      'cannot take --all and --auth at once on an online host: only the authority knows what left its store; name channels and architectures, or the authority by --url',
    );
  const credentials = await readDocument(context, auth);
  return runExport(context, options, { ...wish, store, credentials }, '/ops/v1/fetches');
}

/** Snaps of a store by the log-in of somebody who sees it: from the authority itself, or by an online host whose upstream has them. */
async function exportSnapsWithLogin(
  context: CliContext,
  store: string | undefined,
  { auth, ...options }: AuthOptions & { readonly fromYaml?: string | undefined },
  wish: LoginWish,
): Promise<ExportResult> {
  if (store === undefined)
    throw usageError('cannot export snaps with --auth alone: name the store that they are in by --store');
  const authority = await exportingAuthority(context, auth);
  if (authority !== undefined) return exportByLogin(context, authority, { store, ...options }, wish);
  if (options.fromYaml !== undefined)
    throw usageError(
      'cannot take --from-yaml and --auth at once on an online host: name the snaps and a channel, or the authority by --url',
    );
  const credentials = await readDocument(context, auth);
  return runExport(context, options, { ...wish, store, credentials }, '/ops/v1/fetches');
}

async function runExport(
  context: CliContext,
  options: ExportOptions,
  json: object,
  route: '/ops/v1/exports' | '/ops/v1/fetches' = '/ops/v1/exports',
): Promise<ExportResult> {
  // First, so that no folder is made where no Airlock runs.
  const client = await operatorClient(context);
  const exportDir = await makeExportFolder(context, options.exportDir);
  return runTransfer(context, client, route, { ...json, exportDir }, options.watch);
}

/** The documented lines of an export (protocol/operators.md, section 2.1). */
function reportStore(context: CliContext, result: ExportResult): void {
  const { terminal } = context;
  const [archive] = result.files;
  print(terminal, 'Downloading store metadata and assertion...');
  if (result.tokenFile !== null) print(terminal, 'Downloading store admin account details and assertion...');
  for (const name of new Set(result.snaps.map((snap) => snap.name))) {
    print(terminal, `Downloading snap declaration for ${name}...`);
  }
  for (const key of result.accountKeys) print(terminal, `Downloading account-key ${key}...`);
  reportSnaps(context, result);
  print(terminal, 'Creating the export archive...');
  if (archive) print(terminal, `Store data exported to: ${archive.path}`);
  if (result.tokenFile === null) return;
  reportToken(context, result.tokenFile);
}

/** The documented lines about an exported token. */
export function reportToken({ terminal }: CliContext, file: string): void {
  print(terminal, `Admin token exported to: ${file}`);
  print(terminal, 'Admin token usage:');
  print(terminal, `    export STORE_ADMIN_TOKEN=$(cat ${file})`);
}

function reportSnaps({ terminal }: CliContext, { snaps }: ExportResult): void {
  for (const { name, revision, channel, architecture } of snaps) {
    print(terminal, `Downloading ${name} revision ${revision} (${channel} ${architecture})`);
    print(terminal, barLine(1));
  }
}

/** `stable` means `latest/stable`, as everywhere. */
function fullName(channel: string): string {
  return /^(stable|candidate|beta|edge)$/.test(channel) ? `latest/${channel}` : channel;
}

/** Strict: a misspelt `push_channel` would export a revision that no channel offers. */
const packagesSchema = z.object({
  packages: z.array(
    z.strictObject({ name: z.string(), revision: z.number().int(), push_channel: z.string().optional() }),
  ),
});

async function readPackages(context: CliContext, file: string) {
  const { parse } = await import('yaml');
  const document = await readDocument(context, file);
  const form = 'a list "packages" of name, revision and push_channel is needed';
  let value: unknown;
  try {
    value = parse(document);
  } catch {
    throw usageError(`cannot read ${file}: it is no YAML; ${form}`);
  }
  const read = readAs(packagesSchema, value);
  if (!read.success) throw usageError(`cannot read ${file}: ${read.fault}; ${form}`);
  return read.data.packages;
}

interface Share {
  readonly store: string;
  readonly brands: readonly string[];
}

/** @throws CliError for a text that does not name a store and a brand */
function parseShare(text: string): Share {
  const [store = '', brands = '', ...more] = text.split('=');
  const share = { store, brands: splitNames(brands) };
  if (store !== '' && share.brands.length > 0 && more.length === 0) return share;
  throw usageError(`cannot share ${JSON.stringify(text)}: name a store and brands, as in STORE=BRAND`);
}
