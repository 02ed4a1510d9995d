import { createHash } from 'node:crypto';

import { Command } from '@commander-js/extra-typings';

import type { BundleHead } from '../../bundles/index.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { existingFile, readDocument } from '../files.ts';
import { print, printJson } from '../terminal.ts';

/** What was found in a file; every digest and the exporter's signature were checked. */
interface Inspection {
  readonly kind: string;
  readonly store: string | null;
  readonly exportedAt: string | null;
  readonly exporter: string | null;
  readonly members: readonly { readonly name: string; readonly size: number }[];
  readonly lines: readonly string[];
}

/** `airlock inspect FILE`: shows and verifies what was exported, anywhere and with no server. */
export function inspectCommand(context: CliContext) {
  return new Command('inspect')
    .description(
      'show and verify an exported archive, store metadata or assertion stream; needs no running Airlock',
    )
    .argument('<file>', 'the file')
    .option('--json', 'print the findings as JSON')
    .action(async (file, options) => {
      const found = await inspect(context, await existingFile(file));
      if (options.json) return printJson(context.terminal, found);
      print(context.terminal, `Kind: ${found.kind}`);
      if (found.store !== null) print(context.terminal, `Store: ${found.store}`);
      if (found.exportedAt !== null) print(context.terminal, `Exported at: ${found.exportedAt}`);
      if (found.exporter !== null) print(context.terminal, `Exporter's key: ${found.exporter}`);
      for (const line of found.lines) print(context.terminal, line);
      for (const { name, size } of found.members) print(context.terminal, `  ${name}: ok, ${size} bytes`);
      print(context.terminal, 'Every part is what was exported.');
    });
}

function inspect(context: CliContext, file: string): Promise<Inspection> {
  if (file.endsWith('.tar.gz')) return inspectArchive(context, file);
  if (file.endsWith('.json')) return inspectMetadata(file);
  if (file.endsWith('.assert')) return inspectAssertions(context, file);
  const sentence = `cannot inspect ${file}: its name must end in .tar.gz, .json or .assert`;
  throw new CliError('invalid', 'usage', sentence);
}

async function inspectArchive(context: CliContext, file: string): Promise<Inspection> {
  const { digestWrong, readBundle } = await import('../../bundles/index.ts');
  const members: { name: string; size: number }[] = [];
  const head = await readBundle(
    file,
    {
      async member({ listed, chunks }) {
        const hash = createHash('sha3-384');
        for await (const { bytes, release } of chunks) {
          hash.update(bytes);
          release();
        }
        if (hash.digest('hex') !== listed.digest) throw digestWrong(listed.name);
        members.push({ name: listed.name, size: listed.size });
      },
    },
    { signal: context.signal },
  );
  return { ...aboutManifest(head), members };
}

async function inspectMetadata(file: string): Promise<Inspection> {
  const { readMetadataFile } = await import('../../bundles/index.ts');
  const { head } = await readMetadataFile(file);
  return { ...aboutManifest(head), members: head.manifest.members.map(({ name, size }) => ({ name, size })) };
}

async function inspectAssertions(context: CliContext, file: string): Promise<Inspection> {
  const { decodeStream, refWords } = await import('../../assertions/index.ts');
  const assertions = decodeStream(new TextEncoder().encode(await readDocument(context.terminal, file)));
  const lines = assertions.map(
    (each) => `${refWords(each)}: revision ${each.revision}, signed by ${each.authorityId ?? 'itself'}`,
  );
  return { kind: 'assertions', store: null, exportedAt: null, exporter: null, members: [], lines };
}

function aboutManifest({ manifest, exporter }: BundleHead): Omit<Inspection, 'members'> {
  const lines = manifest.snaps.map((snap) => {
    const revisions = snap.revisions.map(({ revision }) => revision).join(', ');
    const components = (snap.components ?? []).map(({ name, revision }) => `, ${name} ${revision}`).join('');
    return `Snap ${snap.name}: ${revisions === '' ? 'no revision' : `revision ${revisions}`}${components}`;
  });
  for (const { id, sharedWith } of manifest.stores)
    if (sharedWith !== undefined) lines.push(`Store ${id}: shared with ${sharedWith.join(', ')}`);
  for (const { name } of manifest.awaits ?? []) lines.push(`Snap ${name}: comes by itself`);
  const { restsOn } = manifest;
  if (restsOn !== undefined) {
    const what = { inventory: 'an inventory', archives: 'earlier archives', time: 'what was offered' };
    lines.push(`Rests on ${what[restsOn.kind]} of ${restsOn.at}, and leaves out:`);
    for (const { name, size } of restsOn.members) lines.push(`  ${name}: ${size} bytes`);
  }
  return { kind: manifest.kind, store: manifest.store, exportedAt: manifest.createdAt, exporter, lines };
}
