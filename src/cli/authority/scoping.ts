import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { GENERAL_STORE } from '../../brands/index.ts';
import type { CliContext } from '../context.ts';
import { listOption, splitNames } from '../lists.ts';
import { usageError } from '../errors.ts';
import { readDocument } from '../files.ts';
import { tableLines } from '../tables.ts';
import { note, print, printJson } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

const issuedSchema = z.looseObject({
  issued: z.array(z.looseObject({ changed: z.boolean() })),
  apart: z.array(z.string()),
});
const auditSchema = z.looseObject({
  snaps: z.array(
    z.looseObject({
      name: z.string(),
      unscoped: z.array(z.looseObject({ side: z.string(), interface: z.string(), rule: z.string() })),
    }),
  ),
  apart: z.array(z.string()),
});
const declarationSchema = z.looseObject({ revision: z.number(), changed: z.boolean() });
const grantsSchema = z.looseObject({ plugs: z.unknown().optional(), slots: z.unknown().optional() });

/** `airlock authority declare SNAP GRANTS`: what a snap gets by itself, as plugs and slots of its snap-declaration. */
export function declareCommand(context: CliContext) {
  return new Command('declare')
    .description('set the automatic grants of a snap in a new snap-declaration')
    .argument('<snap>', 'name of the snap')
    .argument('<file>', 'JSON with "plugs" and "slots" as in a snap-declaration; - for standard input')
    .option('--json', 'print the result as JSON')
    .action(async (snap, file, options) => {
      const client = await authorityClient(context);
      const { plugs, slots } = parseGrants(await readDocument(context, file), file);
      const json = { snap, plugs, slots };
      const path = authorityPath('declarations');
      const declaration = await client.request(path, declarationSchema, { method: 'POST', json });
      if (options.json) return printJson(context.terminal, declaration);
      const words = declaration.changed ? 'signed' : 'unchanged';
      print(context.terminal, `Snap-declaration of '${snap}': revision ${declaration.revision} ${words}.`);
    });
}

/** `airlock authority scope STORE` and `unscope STORE`: tie automatic grants to a store (seed 002), or take that back. */
export function scopeCommand(context: CliContext, name: 'scope' | 'unscope') {
  const undo = name === 'unscope';
  return new Command(name)
    .description(
      undo ? 'take a store back out of automatic grants' : 'tie the automatic grants of snaps to a store',
    )
    .argument('<store>', 'id of the store')
    .addOption(listOption('--snaps <names>', 'only these snaps; all of the store when absent'))
    .option('--dry-run', 'only show which grants are not tied to any store')
    .option('--json', 'print the result as JSON')
    .action(async (store, options) => {
      if (options.dryRun) return audit(context, store, options.json ?? false);
      const client = await authorityClient(context);
      const json = {
        store,
        undo,
        snaps: options.snaps?.flatMap(splitNames),
      };
      const path = authorityPath('scope');
      const { issued, apart } = await client.request(path, issuedSchema, { method: 'POST', json });
      if (!undo) noteApart(context, store, apart);
      if (options.json) return printJson(context.terminal, issued);
      const changed = issued.filter((each) => each.changed).length;
      print(context.terminal, `Snap-declarations signed: ${changed}; unchanged: ${issued.length - changed}.`);
    });
}

async function audit(context: CliContext, store: string, json: boolean): Promise<void> {
  const client = await authorityClient(context);
  const { snaps, apart } = await client.request(authorityPath('scope', store), auditSchema);
  noteApart(context, store, apart);
  if (json) return printJson(context.terminal, snaps);
  const rows = snaps.flatMap(({ name, unscoped }) =>
    unscoped.map((grant) => [name, grant.side, grant.interface, grant.rule]),
  );
  for (const line of tableLines(['Snap', 'Side', 'Interface', 'Grant'], rows)) print(context.terminal, line);
}

/** Whom a rule leaves out that may have been meant: models name the stores that devices look at, not the one that holds the snaps. */
function noteApart(context: CliContext, store: string, apart: readonly string[]): void {
  if (apart.length === 0) return;
  const cut = `These stores show snaps of ${store} and are not below it, so their devices get nothing that is tied to it: ${apart.join(', ')}.`;
  const remedy = ` A store of the same brand becomes its sub-store by "airlock authority create store ID … --parent ${store}".`;
  // The general store is nobody's parent.
  note(context.terminal, store === GENERAL_STORE ? cut : cut + remedy);
}

function parseGrants(text: string, file: string): z.infer<typeof grantsSchema> {
  try {
    return grantsSchema.parse(JSON.parse(text));
  } catch {
    throw usageError(`cannot read grants from ${file}: JSON with "plugs" and "slots" is needed`);
  }
}
