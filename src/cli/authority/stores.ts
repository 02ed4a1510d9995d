import { Command, Option } from '@commander-js/extra-typings';
import { z } from 'zod';

import { GENERAL_STORE } from '../../brands/index.ts';
import type { CliContext } from '../context.ts';
import { listOption, printList, splitNames } from '../lists.ts';
import { describedStore, inclusionWords } from '../store-words.ts';
import { print } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

const snapSchema = z.looseObject({
  name: z.string(),
  snapId: z.string(),
  publisherId: z.string(),
  private: z.boolean(),
});

/** `airlock authority create store ID`: a brand store, or the device-view store that its devices look at. */
export function createStoreCommand(context: CliContext) {
  return new Command('store')
    .description(
      'create a brand store or device-view store, or change what one includes, whose sub-store it is and with whom it is shared',
    )
    .argument('<store-id>', 'id of the store')
    .requiredOption('--brand <account>', "the brand's account: id, username or e-mail address")
    .addOption(new Option('--kind <kind>', 'what it is').choices(['brand', 'device-view']).default('brand'))
    .option('--name <name>', 'name for people; the id when absent')
    .option(
      '--store-url <address>',
      'address of the store, for its store assertion; where it was when absent',
    )
    .option(
      '--parent <store>',
      'store of the brand that this one is a sub-store of: automatic connections that are tied to it hold for devices here too; the one it has when absent',
    )
    .option('--no-parent', 'have it be a sub-store of none any more')
    .addOption(
      new Option(
        '--include <store[=snap,...]>',
        'show the snaps of another store, or those named; repeatable',
      )
        .argParser((text, earlier: Inclusion[]) => [...earlier, parseInclusion(text)])
        .default([], 'none'),
    )
    .addOption(
      listOption(
        '--share-with <accounts>',
        'other brands whose stores may include this one, private snaps and all; nobody when absent',
      ),
    )
    .action(async (id, options) => {
      const client = await authorityClient(context);
      await client.perform(authorityPath('stores'), {
        method: 'POST',
        json: {
          id,
          name: options.name ?? id,
          kind: options.kind,
          brand: options.brand,
          url: options.storeUrl,
          parent: parentOf(options.parent),
          includes: options.include,
          sharedWith: options.shareWith?.flatMap(splitNames) ?? [],
        },
      });
      print(context.terminal, `Store '${id}' created.`);
    });
}

/** `airlock authority list stores`. */
export function listStoresCommand(context: CliContext) {
  return new Command('stores')
    .description('list the stores, whose sub-stores they are and what they include of others')
    .option('--json', 'print the stores as JSON')
    .action(async (options) => {
      const client = await authorityClient(context);
      const schema = z.looseObject({ stores: z.array(describedStore) });
      const { stores } = await client.request(authorityPath('stores'), schema);
      const columns = ['Id', 'Name', 'Kind', 'Brand', 'Parent', 'Includes'];
      const cells = (store: (typeof stores)[number]) => [
        store.id,
        store.name,
        store.kind,
        store.brandId ?? '',
        store.parent,
        inclusionWords(store.includes),
      ];
      printList(context, { columns, items: stores, cells }, options.json);
    });
}

/** `airlock authority list snaps STORE`. */
export function listSnapsCommand(context: CliContext) {
  return new Command('snaps')
    .description('list the snaps that are registered in a store')
    .argument('<store>', 'id of the store; "general" for the general one')
    .option('--json', 'print them as JSON')
    .action(async (store, options) => {
      const client = await authorityClient(context);
      const schema = z.looseObject({ snaps: z.array(snapSchema) });
      const { snaps } = await client.request(authorityPath('stores', storeId(store), 'snaps'), schema);
      const columns = ['Name', 'Id', 'Publisher', 'Private'];
      const cells = (snap: (typeof snaps)[number]) => [
        snap.name,
        snap.snapId,
        snap.publisherId,
        snap.private ? 'yes' : 'no',
      ];
      printList(context, { columns, items: snaps, cells }, options.json);
    });
}

/** The general store's id is a word of snapd's; people call it what it is. */
function storeId(name: string): string {
  return name === 'general' ? GENERAL_STORE : name;
}

/** What the two options say: a store, none (null), or nothing. */
function parentOf(option: string | boolean | undefined): string | null | undefined {
  if (typeof option === 'string') return storeId(option);
  return option === false ? null : undefined;
}

interface Inclusion {
  readonly store: string;
  readonly snaps: 'all' | readonly string[];
}

function parseInclusion(text: string): Inclusion {
  const [name = '', names] = text.split('=', 2);
  return { store: storeId(name), snaps: names === undefined ? 'all' : splitNames(names) };
}
