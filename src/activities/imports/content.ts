import { z } from 'zod';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assertion } from '../../assertions/index.ts';
import { decodeStream } from '../../assertions/index.ts';
import type {
  BundleHead,
  ExporterKey,
  Manifest,
  ManifestAdmin,
  ManifestRevision,
  ManifestSnap,
  ManifestStore,
} from '../../bundles/index.ts';
import type { ImportInput, ImportKind } from '../../workflows/import-contract.ts';
import { ImportError } from './errors.ts';

/** What an import brings, whatever file it came in; kept beside the members while the import is under way. */
export interface ImportContent {
  readonly kind: ImportKind;
  readonly digest: string;
  readonly store: string | null;
  readonly exporter: { readonly fingerprint: string; readonly key: ExporterKey } | null;
  readonly exportedAt: string | null;
  readonly snaps: readonly ManifestSnap[];
  readonly stores: readonly ManifestStore[];
  readonly admin: ManifestAdmin | null;
  /** Whether a snap of these stores that is not in `snaps` has left them. */
  readonly complete: boolean;
  readonly channelMaps: ChannelMapRule;
  /** Digests of the members by name; the files in the staging folder are named by them. */
  readonly members: Readonly<Record<string, string>>;
  /** Snaps that devices may see, and that are pushed by themselves. */
  readonly awaits?: readonly { readonly snapId: string; readonly name: string }[];
  /** Names of files that did not come along, because they are said to be here. */
  readonly leftOut?: readonly string[];
}

/**
 * Whether channels become what an import says, or only where that was released later than what they hold; or where they hold something
 * else, as what `snap download` leaves tells no time of a release.
 */
export type ChannelMapRule = 'exact' | 'newer' | 'where-different';

/** One revision with the snap that it is of. */
export interface ContentRevision {
  readonly snap: ManifestSnap;
  readonly revision: ManifestRevision;
}

const CONTENT_FILE = 'content.json';
/** Assertions in one file of an archive: a stream of thousands of declarations is normal, one of millions is not. */
export const STREAM_LIMITS = { count: 100_000, bytes: 16 * 2 ** 20 };

/** The content of an archive or metadata file, by its signed head. */
export function contentOfHead(
  head: BundleHead,
  kind: ImportKind,
  channelMaps: ChannelMapRule,
): ImportContent {
  const { manifest } = head;
  return {
    kind,
    digest: head.digest,
    store: manifest.store,
    exporter: { fingerprint: head.exporter, key: head.exporterKey },
    exportedAt: manifest.createdAt,
    snaps: manifest.snaps,
    stores: manifest.stores,
    admin: manifest.admin,
    complete: manifest.complete,
    channelMaps,
    members: membersOf(manifest),
    awaits: manifest.awaits ?? [],
    leftOut: (manifest.restsOn?.members ?? []).map(({ name }) => name),
  };
}

function membersOf(manifest: Manifest): Readonly<Record<string, string>> {
  return Object.fromEntries(manifest.members.map(({ name, digest }) => [name, digest]));
}

/** Keeps the content in the staging folder, for the activities that come after. */
export async function saveContent(folder: string, content: ImportContent): Promise<void> {
  await writeFile(join(folder, CONTENT_FILE), JSON.stringify(content), { mode: 0o600 });
}

const contentFile = z.custom<ImportContent>((value) => typeof value === 'object' && value !== null);

/** Reads what `saveContent` kept. */
export async function loadContent(folder: string): Promise<ImportContent> {
  // Our own file, written a moment ago from data that was checked; nobody else writes into the staging folder.
  return contentFile.parse(JSON.parse(await readFile(join(folder, CONTENT_FILE), 'utf8')));
}

/** All revisions whose files came along, in the order in which slices count them. */
export function revisionsOf(content: ImportContent): readonly ContentRevision[] {
  return content.snaps.flatMap((snap) => snap.revisions.map((revision) => ({ snap, revision })));
}

/** Names of the members that hold assertions about more than one snap: stores, accounts, keys. */
export function sharedStreams(content: ImportContent): readonly string[] {
  const ofSnaps = new Set([
    ...revisionsOf(content).flatMap(({ revision }) => [revision.member, revision.assertions]),
    ...content.snaps.flatMap(({ components = [] }) => components.map(({ member }) => member)),
  ]);
  return Object.keys(content.members).filter((name) => !ofSnaps.has(name));
}

/** The assertions in one member. */
export async function readAssertions(
  folder: string,
  content: ImportContent,
  member: string,
): Promise<readonly Assertion[]> {
  return decodeStream(await readFile(join(folder, content.members[member] ?? '')), STREAM_LIMITS);
}

/** All assertions of an import, each once. */
export async function allAssertions(folder: string, content: ImportContent): Promise<readonly Assertion[]> {
  const found = new Map<string, Assertion>();
  const names = new Set([
    ...sharedStreams(content),
    ...revisionsOf(content).map(({ revision }) => revision.assertions),
  ]);
  for (const name of names)
    for (const assertion of await readAssertions(folder, content, name))
      found.set(`${assertion.type}/${assertion.primaryKey.join('/')}/${assertion.revision}`, assertion);
  return [...found.values()];
}

/** The content of a file that describes no store. */
export const EMPTY_CONTENT = {
  store: null,
  exporter: null,
  exportedAt: null,
  snaps: [],
  stores: [],
  admin: null,
  complete: false,
  channelMaps: 'exact',
} as const;

/**
 * Refuses a file that is not the one that the push began with.
 * @throws ImportError `file-changed`
 */
export function requireDigest(found: string, input: ImportInput): void {
  if (found !== input.digest)
    throw new ImportError(
      'file-changed',
      `cannot import ${input.path}: it changed since the push began; push it again`,
    );
}
