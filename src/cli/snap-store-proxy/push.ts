import { Command } from '@commander-js/extra-typings';

import { GENERAL_STORE } from '../../brands/index.ts';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { listOption } from '../lists.ts';
import type { ImportResult } from './contract.ts';
import { note, print, printJson } from '../terminal.ts';
import { channelsOf } from '../wishes.ts';
import {
  performImport,
  printPlan,
  remark,
  requireAccepted,
  runImport,
  whyRefused,
  type PushOutcome,
} from './push-imports.ts';

function pushCommand(name: string, description: string) {
  return new Command(name)
    .description(description)
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--exporter <fingerprint>', "fingerprint that the exporter's key must have")
    .option('--allow-older', 'accept a file older than the newest imported')
    .option('--watch', 'tell where Temporal UI shows the import')
    .option('--json', 'print the result as JSON');
}

/** `push-store FILE`: a store's export with its snaps, metadata, keys and admin. */
export function pushStoreCommand(context: CliContext) {
  return pushCommand('push-store', 'import a store export, whole or not at all')
    .argument('<file>', 'store-export-….tar.gz')
    .action(async (file, options) => {
      const result = await runImport(context, { kind: 'store', file }, options);
      if (!result) return;
      if (result.unchanged) return remark(context, result);
      for (const { name, revision } of result.snaps.filter((snap) => snap.new)) {
        print(context.terminal, `Uploaded snap and assertions for ${name} revision ${revision}`);
      }
      reportStores(context, result);
      print(context.terminal, 'Updating store allowlists');
      // Nothing needs a restart here; the line is kept for scripts that look for it (docs/divergences.md).
      print(context.terminal, 'Restarting services');
      if (result.admin) print(context.terminal, 'Store admin account imported successfully.');
      remark(context, result);
    });
}

/** `push-snap FILE`, also `push-snaps` with several: fetched archives, or what `snap download` leaves. */
export function pushSnapCommand(context: CliContext, name: 'push-snap' | 'push-snaps') {
  return pushCommand(
    name,
    'import a fetched snap, or NAME.snap and NAME.assert as "snap download" leaves them',
  )
    .argument('<files...>', 'NAME-….tar.gz, or NAME.snap and NAME.assert')
    .option('--push-channel-map', 'take over the channel map of the archive')
    .addOption(
      listOption('--channel <channels>', 'channels for NAME.snap, with commas between them').default(
        [],
        'none',
      ),
    )
    .action(async (files, options) => {
      const outcomes: PushOutcome[] = [];
      const pushes = pushesOf(files, options);
      try {
        for (const push of pushes) {
          const outcome = await performImport(context, push, options);
          outcomes.push(outcome);
          if (options.json) continue;
          if (outcome.kind === 'plan') printPlan(context, outcome.answer);
          else reportSnaps(context, outcome.answer);
          if (push.kind === 'snap-pair' && push.channels.length === 0) remarkUnreleased(context, outcome);
        }
      } finally {
        const answers = outcomes.map(({ answer }) => answer);
        // A list, however many files there were; also of those before one that is refused: they were pushed.
        if (options.json && answers.length > 0) printJson(context.terminal, answers);
      }
      endOfPlans(context, outcomes, options.json ?? false);
    });
}

/** Ends as the push would: at the first that is refused. Why others are refused is said too. */
function endOfPlans(context: CliContext, outcomes: readonly PushOutcome[], asJson: boolean): void {
  const refused = outcomes.filter(({ kind, answer }) => kind === 'plan' && answer.refused);
  const [first, ...others] = refused;
  for (const { kind, answer } of asJson ? [] : others)
    if (kind === 'plan') note(context.terminal, whyRefused(answer));
  if (first) requireAccepted(first);
}

function reportSnaps(context: CliContext, result: ImportResult): void {
  const { terminal } = context;
  for (const [name, revisions] of result.unchanged ? [] : Map.groupBy(result.snaps, (snap) => snap.name)) {
    const added = revisions.filter((snap) => snap.new);
    const moved = revisions.some((snap) => snap.channelsMoved);
    for (const { revision } of added)
      print(terminal, `[snap ${name}] Uploaded snap blob and assertions for ${name} revision ${revision}`);
    if (moved) print(terminal, `[snap ${name}] Channelmaps were successfully updated.`);
    if (!moved && added.length === 0)
      note(
        terminal,
        `Details of ${name} were updated: no revision is new, and its channels hold what they held.`,
      );
  }
  remark(context, result);
}

/** What `snap download` leaves says nothing of channels: without `--channel` nobody is offered it, and `prune` takes it away. */
function remarkUnreleased({ terminal }: CliContext, { kind, answer }: PushOutcome): void {
  if (kind === 'plan') return;
  for (const { name, revision } of answer.snaps.filter((snap) => snap.new))
    note(
      terminal,
      `No channel holds ${name} revision ${revision}: push it again with --channel for devices to be offered it.`,
    );
}

/** The documented lines, in the documented order: the store that was exported last; of the general one it has only a name. */
function reportStores({ terminal }: CliContext, { stores }: ImportResult): void {
  for (const store of stores.toReversed()) {
    if (store === GENERAL_STORE) continue;
    print(terminal, `Pushing store ${store}`);
    print(terminal, 'Pushing store assertions');
  }
}

/** `push-brand-store-metadata FILE`: decides which snaps of which stores the brand's devices see. */
export function pushMetadataCommand(context: CliContext) {
  return pushCommand('push-brand-store-metadata', "import a brand store's metadata")
    .argument('<file>', 'STORE-metadata-….json')
    .action(async (file, options) => {
      const result = await runImport(context, { kind: 'store-metadata', file }, options);
      if (!result) return;
      if (result.unchanged) return remark(context, result);
      reportStores(context, result);
      print(context.terminal, 'Updating store allowlists');
      remark(context, result);
    });
}

/** `push-account-keys FILE`: account-keys, for instance of models and serials. */
export function pushAccountKeysCommand(context: CliContext) {
  return pushCommand('push-account-keys', 'import account-keys')
    .argument('<file>', 'assertions, as fetch-account-keys or "snap known --remote" write them')
    .action(async (file, options) => {
      const result = await runImport(context, { kind: 'account-keys', file }, options);
      if (!result) return;
      for (const key of result.accountKeys) note(context.terminal, `Account key ${key} imported.`);
      remark(context, result);
    });
}

interface PushSnapOptions {
  readonly channel: readonly string[];
  readonly pushChannelMap?: true | undefined;
}

function pushesOf(files: readonly string[], options: PushSnapOptions) {
  const snaps = files.filter((file) => !file.endsWith('.assert'));
  const assertions = files.filter((file) => file.endsWith('.assert'));
  if (snaps.length === 0)
    throw usageError('cannot push assertions without their snap: name the NAME.snap too');
  const channels = channelsOf(options.channel);
  const pairs = snaps.filter((file) => file.endsWith('.snap'));
  if (channels.length > 0 && pairs.length === 0)
    throw usageError(
      'cannot use --channel for an archive: it says itself which channels hold its snap; --channel is for a NAME.snap',
    );
  if (options.pushChannelMap && pairs.length === snaps.length)
    throw usageError(
      'cannot use --push-channel-map for a NAME.snap, which comes with no channel map: say by --channel what is to hold it',
    );
  const used = new Set<string>();
  const pushes = snaps.map((file) => {
    if (!file.endsWith('.snap')) {
      return { kind: 'snap', file, pushChannelMap: options.pushChannelMap ?? false } as const;
    }
    const beside = `${file.slice(0, -'.snap'.length)}.assert`;
    const own = assertions.includes(beside) || snaps.length > 1 ? beside : (assertions[0] ?? beside);
    used.add(own);
    return { kind: 'snap-pair', file, assertions: own, channels } as const;
  });
  const left = assertions.find((file) => !used.has(file));
  if (left === undefined) return pushes;
  throw usageError(`cannot tell which snap ${left} is for: name one like it, or push them one by one`);
}
