import { basename } from 'node:path';

import { Command } from '@commander-js/extra-typings';

import type { Assertion } from '../../assertions/index.ts';
import type { BundleHead } from '../../bundles/index.ts';
import { fileDigest } from '../../file-digest.ts';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { existingFile, readDocument } from '../files.ts';
import { inclusionWords } from '../store-words.ts';
import { print, printJson } from '../terminal.ts';
import { verifyArchive } from '../verified-archive.ts';

/** What was found in a file; every digest, and each signature whose key is known, was checked. */
interface Inspection {
  readonly kind: string;
  readonly store: string | null;
  readonly exportedAt: string | null;
  readonly exporter: string | null;
  readonly members: readonly { readonly name: string; readonly size: number }[];
  readonly lines: readonly string[];
  readonly verdict: string;
}

const AS_EXPORTED = 'Every part is what was exported.';

/** `airlock inspect FILE`: shows and verifies what was exported or downloaded, anywhere and with no server. */
export function inspectCommand(context: CliContext) {
  return new Command('inspect')
    .description(
      'show and verify an exported archive, store metadata, a downloaded snap or an assertion stream; needs no running Airlock',
    )
    .argument('<file>', 'the file')
    .argument(
      '[assertions]',
      'of a snap that "snap download" left: its NAME.assert; the one beside it when absent',
    )
    .option('--json', 'print the findings as JSON')
    .action(async (file, assertions, options) => {
      const found = await inspect(context, file, assertions);
      if (options.json) return printJson(context.terminal, found);
      print(context.terminal, `Kind: ${found.kind}`);
      if (found.store !== null) print(context.terminal, `Store: ${found.store}`);
      if (found.exportedAt !== null) print(context.terminal, `Exported at: ${found.exportedAt}`);
      if (found.exporter !== null) print(context.terminal, `Exporter's key: ${found.exporter}`);
      for (const line of found.lines) print(context.terminal, line);
      for (const { name, size } of found.members) print(context.terminal, `  ${name}: ok, ${size} bytes`);
      print(context.terminal, found.verdict);
    });
}

async function inspect(
  context: CliContext,
  named: string,
  assertions: string | undefined,
): Promise<Inspection> {
  const file = await existingFile(named);
  if (file.endsWith('.snap'))
    return inspectPair(context, file, await existingFile(assertions ?? file.replace(/\.snap$/, '.assert')));
  if (assertions !== undefined)
    throw usageError('cannot inspect two files: only a NAME.snap comes with another');
  if (file.endsWith('.tar.gz')) return inspectArchive(context, file);
  if (file.endsWith('.json')) return inspectMetadata(file);
  if (file.endsWith('.assert')) return inspectAssertions(context, file);
  throw usageError(`cannot inspect ${file}: its name must end in .tar.gz, .json, .snap or .assert`);
}

async function inspectArchive(context: CliContext, file: string): Promise<Inspection> {
  const { head, members } = await verifyArchive(file, context.signal);
  return { ...aboutManifest(head), members, verdict: AS_EXPORTED };
}

async function inspectMetadata(file: string): Promise<Inspection> {
  const { readMetadataFile } = await import('../../bundles/index.ts');
  const { head } = await readMetadataFile(file);
  const members = head.manifest.members.map(({ name, size }) => ({ name, size }));
  return { ...aboutManifest(head), members, verdict: AS_EXPORTED };
}

/** The two files of `snap download`: the snap is the one that its assertions speak of. */
async function inspectPair(context: CliContext, file: string, beside: string): Promise<Inspection> {
  const { otherSnap, readPair } = await import('../../bundles/index.ts');
  const { text } = await import('../../assertions/index.ts');
  const { assertions, statement, declaration, digest } = await readPair(beside);
  const { digest: found, size } = await fileDigest(file, { signal: context.signal });
  if (found !== digest) throw otherSnap(basename(file));
  const signed = await aboutAssertions(assertions);
  const snap = `Snap ${text(declaration, 'snap-name')}: revision ${text(statement, 'snap-revision')}`;
  return {
    ...signed,
    kind: 'snap-pair',
    members: [{ name: basename(file), size }],
    lines: [snap, ...signed.lines],
  };
}

async function inspectAssertions(context: CliContext, file: string): Promise<Inspection> {
  const { decodeStream } = await import('../../assertions/index.ts');
  return aboutAssertions(decodeStream(new TextEncoder().encode(await readDocument(context, file))));
}

async function aboutAssertions(assertions: readonly Assertion[]): Promise<Inspection> {
  const { refWords, verifyKnownSignatures } = await import('../../assertions/index.ts');
  const unverified = verifyKnownSignatures(assertions);
  const lines = assertions.map((each) => {
    const missing = unverified.has(each) ? ', with a key that is not here' : '';
    return `${refWords(each)}: revision ${each.revision}, signed by ${each.authorityId ?? 'itself'}${missing}`;
  });
  const verdict =
    unverified.size === 0
      ? 'Every signature holds.'
      : 'Every signature holds whose key is here; a host checks the others against the roots that it trusts.';
  return { kind: 'assertions', store: null, exportedAt: null, exporter: null, members: [], lines, verdict };
}

function aboutManifest({ manifest, exporter }: BundleHead): Omit<Inspection, 'members' | 'verdict'> {
  const lines = manifest.snaps.flatMap((snap) => {
    const revisions = snap.revisions.map(({ revision }) => revision).join(', ');
    const components = (snap.components ?? []).map(({ name, revision }) => `, ${name} ${revision}`).join('');
    const channels = snap.channels.map(
      ({ channel, architecture, revision }) =>
        `  ${channel} ${architecture}: ${revision === null ? 'closed' : `revision ${revision}`}`,
    );
    return [
      `Snap ${snap.name}: ${revisions === '' ? 'no revision' : `revision ${revisions}`}${components}`,
      ...channels,
    ];
  });
  for (const { id, kind, includes, parent, sharedWith } of manifest.stores) {
    const shown = includes.map(({ store, snaps }) => ({ store, snaps: snaps?.length ?? ('all' as const) }));
    if (kind !== 'general')
      lines.push(
        `Store ${id}: ${kind} store${shown.length === 0 ? '' : `, includes ${inclusionWords(shown)}`}`,
      );
    if (parent !== undefined) lines.push(`Store ${id}: sub-store of ${parent}`);
    if (sharedWith !== undefined) lines.push(`Store ${id}: shared with ${sharedWith.join(', ')}`);
  }
  for (const { name } of manifest.awaits ?? []) lines.push(`Snap ${name}: comes by itself`);
  const { restsOn } = manifest;
  if (restsOn !== undefined) {
    const what = { inventory: 'an inventory', archives: 'earlier archives', time: 'what was offered' };
    lines.push(`Rests on ${what[restsOn.kind]} of ${restsOn.at}, and leaves out:`);
    for (const { name, size } of restsOn.members) lines.push(`  ${name}: ${size} bytes`);
  }
  return { kind: manifest.kind, store: manifest.store, exportedAt: manifest.createdAt, exporter, lines };
}
