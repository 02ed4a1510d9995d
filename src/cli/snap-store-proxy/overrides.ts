import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { readDocument } from '../files.ts';
import { operatorClient } from '../operator.ts';
import { print, printJson } from '../terminal.ts';

const answerSchema = z.looseObject({
  snapName: z.string(),
  channel: z.string(),
  places: z.array(
    z.looseObject({
      architecture: z.string(),
      revision: z.number().nullable(),
      upstreamRevision: z.number().nullable(),
    }),
  ),
});
const listSchema = z.looseObject({
  overrides: z.array(
    z.looseObject({
      snapName: z.string(),
      channel: z.string(),
      architecture: z.string(),
      revision: z.number(),
      upstreamRevision: z.number().nullable(),
    }),
  ),
});

/** `override SNAP CHANNEL=REVISION`: devices get that revision from the channel (protocol/operators.md, section 1.1). */
export function overrideCommand(context: CliContext) {
  return new Command('override')
    .description('give devices another revision than a channel holds')
    .argument('<snap>', 'name of the snap')
    .argument('<override>', 'CHANNEL=REVISION')
    .option(
      '--auth <file>',
      'log-in file, for a snap that the upstream of an online host does not show to all',
    )
    .option('--store <store-id>', 'brand store that such a snap is in')
    .option('--json', 'print the override as JSON')
    .action(async (snap, override, options) => {
      const [, channel, revision] = /^([^=]+)=([1-9]\d{0,9})$/.exec(override) ?? [];
      if (channel === undefined || revision === undefined)
        throw usageError(`cannot read "${override.slice(0, 100)}": write CHANNEL=REVISION, as in stable=11`);
      if ((options.auth === undefined) !== (options.store === undefined))
        throw usageError('cannot look for the snap with --auth or --store alone: give both');
      const credentials = options.auth && (await readDocument(context, options.auth));
      const answer = await change(context, {
        snap,
        channel,
        revision: Number(revision),
        credentials,
        store: options.store,
      });
      if (options.json) return printJson(context.terminal, answer);
      for (const place of answer.places)
        print(context.terminal, `${answer.snapName} ${answer.channel} ${place.architecture} ${revision}`);
    });
}

/** `list-overrides [SNAP]`. */
export function listOverridesCommand(context: CliContext) {
  return new Command('list-overrides')
    .description('list the overrides, of one snap or of all')
    .argument('[snap]', 'name of the snap')
    .option('--json', 'print the overrides as JSON')
    .action(async (snap, options) => {
      const client = await operatorClient(context);
      const query = snap === undefined ? '' : `?snap=${encodeURIComponent(snap)}`;
      const { overrides } = await client.request(`/ops/v1/overrides${query}`, listSchema);
      if (options.json) return printJson(context.terminal, overrides);
      for (const { snapName, channel, architecture, revision, upstreamRevision } of overrides) {
        const upstream = upstreamRevision === null ? '' : ` (upstream ${upstreamRevision})`;
        print(context.terminal, `${snapName} ${channel} ${architecture} ${revision}${upstream}`);
      }
    });
}

/** `delete-override SNAP CHANNEL`: devices get what the channel holds again. */
export function deleteOverrideCommand(context: CliContext) {
  return new Command('delete-override')
    .description('let a channel give what it holds again')
    .argument('<snap>', 'name of the snap')
    .argument('<channel>', 'channel')
    .option('--json', 'print the channel as JSON')
    .action(async (snap, channel, options) => {
      const answer = await change(context, { snap, channel, revision: null });
      if (options.json) return printJson(context.terminal, answer);
      for (const { architecture, upstreamRevision } of answer.places) {
        const where = `${answer.snapName} ${answer.channel} ${architecture}`;
        const held = upstreamRevision === null ? 'no revision' : `revision ${upstreamRevision}`;
        print(context.terminal, `${where} is tracking upstream (${held})`);
      }
    });
}

async function change(context: CliContext, json: object): Promise<z.infer<typeof answerSchema>> {
  const client = await operatorClient(context);
  return client.request('/ops/v1/overrides', answerSchema, { method: 'POST', json });
}
