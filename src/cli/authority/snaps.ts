import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

import { Command, Option } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { listOption, splitNames } from '../lists.ts';
import { CliError, usageError } from '../errors.ts';
import { existingFile } from '../files.ts';
import type { HttpClient } from '../http-client.ts';
import { print, printJson } from '../terminal.ts';
import { authorityClient, authorityPath } from './client.ts';

const snapSchema = z.looseObject({ snapId: z.string(), name: z.string() });
const uploadedSchema = z.looseObject({ uploadId: z.string() });
const outcomeSchema = z.looseObject({
  state: z.string(),
  revision: z.number().nullable(),
  errors: z.array(z.looseObject({ code: z.string(), message: z.string() })),
});
const WAIT_SECONDS = 30;

/** `airlock authority register SNAP`: a name for a publisher, in a store. */
export function registerSnapCommand(context: CliContext) {
  return new Command('register')
    .description('register a snap name for a publisher')
    .argument('<snap>', 'name of the snap')
    .requiredOption('--publisher <account>', 'id, username or e-mail address of the publisher')
    .option('--store <store-id>', 'store that the snap belongs to; the general one when absent')
    .option('--private', 'show it to nobody whose store does not name it')
    .option('--json', 'print the snap as JSON')
    .action(async (name, options) => {
      const client = await authorityClient(context);
      const snap = await client.request(authorityPath('snaps'), snapSchema, {
        method: 'POST',
        json: { name, publisher: options.publisher, store: options.store, private: options.private ?? false },
      });
      if (options.json) return printJson(context.terminal, snap);
      print(context.terminal, `Snap '${name}' registered with id ${snap.snapId}.`);
    });
}

/** `airlock authority publish FILE`: uploads a snap file, signs its revision and releases it. */
export function publishCommand(context: CliContext) {
  return new Command('publish')
    .description('upload a snap file, have its revision signed, and release it')
    .argument('<file>', 'the snap file')
    .requiredOption('--snap <name>', 'name of the snap')
    .addOption(
      listOption('--channel <channels>', 'channels to release to, with commas between them').default(
        [],
        'none',
      ),
    )
    .option('--json', 'print the outcome as JSON')
    .action(async (file, options) => {
      const client = await authorityClient(context);
      const path = await existingFile(file);
      const channels = options.channel.flatMap(splitNames);
      const query = new URLSearchParams({
        snap: options.snap,
        channels: channels.join(','),
      });
      const { uploadId } = await client.request(
        `${authorityPath('uploads')}?${query.toString()}`,
        uploadedSchema,
        {
          method: 'POST',
          body: Readable.toWeb(createReadStream(path, { highWaterMark: 256 * 1024 })),
          headers: { 'content-type': 'application/octet-stream' },
        },
      );
      const outcome = await untilOver(context, client, uploadId);
      if (options.json) printJson(context.terminal, outcome);
      if (outcome.state === 'rejected') throw refused(file, outcome);
      if (options.json) return;
      const released = channels.length === 0 ? '' : ` and released to ${channels.join(',')}`;
      const held = outcome.errors[0]?.message;
      const ending =
        outcome.state === 'held' ? `is held: ${held ?? 'it waits for a review'}` : `published${released}`;
      print(context.terminal, `Revision ${outcome.revision} of '${options.snap}' ${ending}.`);
    });
}

/** `airlock authority release SNAP REVISION CHANNELS`. */
export function releaseCommand(context: CliContext) {
  return new Command('release')
    .description('release a revision to channels')
    .argument('<snap>', 'name of the snap')
    .argument('<revision>', 'number of the revision')
    .argument('<channels>', 'channels, with commas between them')
    .action(async (snap, revision, channels) => {
      if (!/^[1-9][0-9]*$/.test(revision)) {
        throw usageError(`cannot release revision "${revision}": a revision is a number from 1 on`);
      }
      await setChannels(context, snap, Number(revision), channels);
      print(context.terminal, `Revision ${revision} of '${snap}' released to ${channels}.`);
    });
}

/** `airlock authority close SNAP CHANNELS`. */
export function closeCommand(context: CliContext) {
  return new Command('close')
    .description('close channels, so that they fall back to safer ones')
    .argument('<snap>', 'name of the snap')
    .argument('<channels>', 'channels, with commas between them')
    .action(async (snap, channels) => {
      await setChannels(context, snap, null, channels);
      print(context.terminal, `Channels of '${snap}' closed: ${channels}.`);
    });
}

/** `airlock authority build-policy SNAP`: whether uploads need the publisher's signature (seed 003). */
export function buildPolicyCommand(context: CliContext) {
  return new Command('build-policy')
    .description('demand a snap-build of each upload of a snap')
    .argument('<snap>', 'name of the snap')
    .addOption(
      new Option('--require <what>', 'off: none; hold: wait for one; reject: refuse uploads without one')
        .choices(['off', 'hold', 'reject'])
        .makeOptionMandatory(),
    )
    .addOption(listOption('--key <sha3-384>', 'only these keys count'))
    .action(async (snap, options) => {
      const client = await authorityClient(context);
      await client.perform(authorityPath('snaps', snap, 'build-policy'), {
        method: 'PUT',
        json: { requirement: options.require, keyIds: options.key?.flatMap(splitNames) },
      });
      print(context.terminal, `Snap-build policy of '${snap}': ${options.require}.`);
    });
}

async function setChannels(
  context: CliContext,
  snap: string,
  revision: number | null,
  channels: string,
): Promise<void> {
  const client = await authorityClient(context);
  const json = { snap, revision, channels: splitNames(channels) };
  await client.perform(authorityPath('releases'), { method: 'POST', json });
}

async function untilOver(context: CliContext, client: HttpClient, uploadId: string) {
  for (;;) {
    const path = `${authorityPath('uploads', uploadId)}?wait=${WAIT_SECONDS}`;
    const outcome = await client.request(path, outcomeSchema);
    if (outcome.state !== 'processing') return outcome;
  }
}

function refused(file: string, { errors }: z.infer<typeof outcomeSchema>): CliError {
  const [first] = errors;
  return new CliError(
    'invalid',
    'server-refused',
    first?.message ?? `cannot publish ${file}: the store refused it`,
  );
}
