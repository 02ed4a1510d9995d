import { Command } from '@commander-js/extra-typings';

import { INVENTORY, SINCE, basisOf, remarkLeftOut } from '../basis.ts';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { WITH_DEPENDENCIES, remarkDependencies } from '../dependencies.ts';
import { namedFolder, readDocument } from '../files.ts';
import { listOption } from '../lists.ts';
import { operatorClient } from '../operator.ts';
import { print, printJson } from '../terminal.ts';
import { runTransfer } from '../transfers.ts';
import { architecturesOf, channelsOf, keyIdsOf, snapNamesOf } from '../wishes.ts';
import type { ExportResult } from './contract.ts';

/** `fetch-snaps NAME…`: snaps of the general store, or with a log-in those of a brand store (seed 000), or all of them. */
export function fetchSnapsCommand(context: CliContext) {
  return new Command('fetch-snaps')
    .description('download snaps with their assertions, to be pushed elsewhere')
    .argument('[snaps...]', 'names of the snaps; all of a store where none is named')
    .addOption(
      listOption('--channel <channels>', 'channels, with commas between them').default(
        ['latest/stable'],
        'latest/stable',
      ),
    )
    .addOption(
      listOption('--architecture, --arch <architectures>', 'architectures, with commas between them').default(
        ['amd64'],
        'amd64',
      ),
    )
    .option('--auth <file>', 'log-in file of "snapcraft export-login --acls package_access"')
    .option('--store <store-id>', 'brand store that the snaps are in')
    .option(...SINCE)
    .option(...INVENTORY)
    .option(...WITH_DEPENDENCIES)
    .option('--export-dir <folder>', 'where to write the archives')
    .option('--watch', 'tell where Temporal UI shows the downloads')
    .option('--json', 'print the result as JSON')
    .action(async (names, options) => {
      if (names.length === 0 && (options.store === undefined || options.auth === undefined))
        throw usageError(
          'cannot fetch nothing: name snaps, or a store by --store and a log-in for it by --auth',
        );
      const result = await fetch(context, options, {
        kind: 'snaps',
        names: snapNamesOf(names),
        channels: channelsOf(options.channel),
        architectures: architecturesOf(options.arch),
        store: options.store,
        ...(await basisOf(options)),
        withDependencies: options.withDependencies,
        credentials: options.auth === undefined ? undefined : await readDocument(context, options.auth),
      });
      if (options.json) return printJson(context.terminal, result);
      remarkLeftOut(context, result);
      remarkDependencies(context, result);
      print(context.terminal, 'Successfully exported snaps:');
      for (const { subject, path } of result.files) print(context.terminal, `${subject}: ${path}`);
    });
}

/** `fetch-brand-store-metadata STORE AUTH`: which snaps of which stores the brand's devices see (seed 000). */
export function fetchMetadataCommand(context: CliContext) {
  return new Command('fetch-brand-store-metadata')
    .description("download a brand store's metadata, to be pushed elsewhere")
    .argument('<store-id>', 'brand store')
    .argument('<auth>', 'log-in file of "snapcraft export-login --acls store_admin"')
    .option('--export-dir <folder>', 'where to write the file')
    .option('--watch', 'tell where Temporal UI shows the download')
    .option('--json', 'print the result as JSON')
    .action(async (store, auth, options) => {
      const credentials = await readDocument(context, auth);
      const result = await fetch(context, options, { kind: 'store-metadata', store, credentials });
      report(context, result, options.json, 'Store metadata exported to');
    });
}

/** `fetch-account-keys ACCOUNT KEY…`: the account-keys that sign models and serials (seed 000). */
export function fetchAccountKeysCommand(context: CliContext) {
  return new Command('fetch-account-keys')
    .description('download account-keys, to be pushed elsewhere')
    .argument('<account-id>', "the brand's account id")
    .argument('<keys...>', 'SHA3-384 of the keys')
    .option('--export-dir <folder>', 'where to write the file')
    .option('--watch', 'tell where Temporal UI shows the download')
    .option('--json', 'print the result as JSON')
    .action(async (account, keys, options) => {
      const result = await fetch(context, options, { kind: 'account-keys', account, keys: keyIdsOf(keys) });
      report(context, result, options.json, 'Account keys exported to');
    });
}

interface FetchOptions {
  readonly exportDir?: string | undefined;
  readonly watch?: true | undefined;
}

async function fetch(context: CliContext, options: FetchOptions, json: object): Promise<ExportResult> {
  const exportDir = options.exportDir === undefined ? undefined : namedFolder(options.exportDir);
  const client = await operatorClient(context);
  return runTransfer(context, client, '/ops/v1/fetches', { ...json, exportDir }, options.watch);
}

function report(context: CliContext, result: ExportResult, json: true | undefined, what: string): void {
  if (json) return printJson(context.terminal, result);
  for (const { path } of result.files) print(context.terminal, `${what}: ${path}`);
}
