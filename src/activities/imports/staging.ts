import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeStream } from '../../assertions/index.ts';
import {
  BundleError,
  DEFAULT_LIMITS,
  readBundleHead,
  readMetadataFile,
  readPair,
  readSmallFile,
  sha3Of,
  unpackBundle,
} from '../../bundles/index.ts';
import { keptBlobs, parseBlobDigest, type BlobStore, type StoredBlob } from '../../storage/index.ts';
import type { ImportInput, ImportKind } from '../../workflows/import-contract.ts';
import {
  EMPTY_CONTENT,
  STREAM_LIMITS,
  contentOfHead,
  requireDigest,
  saveContent,
  type ChannelMapRule,
  type ImportContent,
} from './content.ts';
import { ImportError } from './errors.ts';
import { linkPair, stagePair } from './pair.ts';
import { requireOwnPush } from './push-mixups.ts';
import type { StagingParts } from './staging-parts.ts';

/** The staging folder of one import; it exists only while the import runs. */
export function stagingFolderOf(blobs: BlobStore, digest: string): string {
  return join(blobs.stagingFolder, `import-${parseBlobDigest(digest).slice(0, 40)}`);
}

/**
 * The digest that names an import, read from the front of its file: cheap however large it is.
 * @throws BundleError, AssertionError, ImportError
 */
export async function identifyImport(
  kind: ImportKind,
  path: string,
  assertions: string | null,
): Promise<string> {
  for (const each of [path, assertions]) if (each !== null) await requirePlainFile(each);
  await requireOwnPush(kind, path);
  switch (kind) {
    case 'store':
    case 'snap':
      return (await headOf(kind, path)).digest;
    case 'store-metadata':
      return (await readMetadataFile(path)).head.digest;
    case 'snap-pair':
      return (await readPair(assertions ?? '')).digest;
    case 'account-keys':
      return sha3Of((await readKeys(path)).stream);
    default:
      return kind satisfies never;
  }
}

/** A pipe or a device might never end. What is not there is left to the reader of the file. */
async function requirePlainFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  throw new BundleError('bundle-unreadable', `cannot open ${path}: it is no plain file`);
}

/** What the head of a file says it brings: enough for a plan, and for early refusals. Nothing of it is verified but the manifest's signature. */
export async function previewContent(input: ImportInput): Promise<ImportContent | undefined> {
  if (input.kind === 'store' || input.kind === 'snap') {
    const head = await headOf(input.kind, input.path);
    requireDigest(head.digest, input);
    return contentOfHead(head, input.kind, channelMapRule(input));
  }
  if (input.kind !== 'store-metadata') return undefined;
  const { head } = await readMetadataFile(input.path);
  requireDigest(head.digest, input);
  return contentOfHead(head, input.kind, channelMapRule(input));
}

/** What a file without a head brings: account-keys, or a pair, whose snap is named in the folder and not copied. */
export async function previewLoose(
  input: ImportInput,
  folder: string,
  parts: StagingParts,
): Promise<ImportContent> {
  return input.kind === 'account-keys' ? stageKeys(input, folder) : linkPair(input, folder, parts);
}

/** A store's export and an explicit wish say exactly what channels hold; a plain push never moves one back. */
function channelMapRule(input: ImportInput): ChannelMapRule {
  return input.kind === 'snap' && !input.pushChannelMap ? 'newer' : 'exact';
}

async function headOf(kind: ImportKind, path: string) {
  const head = await readBundleHead(path);
  if (head.manifest.kind !== kind)
    throw new BundleError(
      'manifest-invalid',
      head.manifest.kind === 'store'
        ? `cannot push ${path} as a snap: it is the export of store ${head.manifest.store}; use push-store`
        : `cannot push ${path} as a store: it holds a ${head.manifest.kind}; use push-snap`,
    );
  return head;
}

/**
 * Brings everything of an import into its staging folder, with every digest checked in one pass, and keeps its content
 * beside it. Blobs that are stored already are checked and not written again.
 */
export async function stageImport(input: ImportInput, parts: StagingParts): Promise<ImportContent> {
  const folder = stagingFolderOf(parts.blobs, input.digest);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const content = await stage(input, folder, parts);
  await saveContent(folder, content);
  return content;
}

function stage(input: ImportInput, folder: string, parts: StagingParts): Promise<ImportContent> {
  switch (input.kind) {
    case 'store':
    case 'snap':
      return stageBundle(input, folder, parts);
    case 'store-metadata':
      return stageMetadata(input, folder);
    case 'snap-pair':
      return stagePair(input, folder, parts);
    case 'account-keys':
      return stageKeys(input, folder);
    default:
      return input.kind satisfies never;
  }
}

async function stageBundle(input: ImportInput, folder: string, parts: StagingParts): Promise<ImportContent> {
  let kept: ReadonlyMap<string, StoredBlob> = new Map();
  const head = await unpackBundle(input.path, {
    folder,
    have: async (digest, size) => kept.get(digest)?.size === size,
    accept: async (found) => {
      requireDigest(found.digest, input);
      const { snaps } = found.manifest;
      const files = snaps.flatMap(({ revisions, components = [] }) => [...revisions, ...components]);
      kept = await keptBlobs(parts.queries, parts.blobs, new Set(files.map(({ digest }) => digest)));
    },
    ...(parts.onBytes === undefined ? {} : { onProgress: parts.onBytes }),
    ...(parts.signal === undefined ? {} : { signal: parts.signal }),
  });
  return contentOfHead(head, input.kind, channelMapRule(input));
}

async function stageMetadata(input: ImportInput, folder: string): Promise<ImportContent> {
  const { head, members } = await readMetadataFile(input.path);
  requireDigest(head.digest, input);
  for (const content of members.values())
    await writeFile(join(folder, sha3Of(content)), content, { mode: 0o600 });
  return contentOfHead(head, input.kind, channelMapRule(input));
}

/**
 * Reads a file of assertions; what is no text is told by its name, and none of it is shown.
 * @throws ImportError `no-account-keys`; AssertionError
 */
async function readKeys(path: string) {
  const stream = await readSmallFile(path, DEFAULT_LIMITS.assertionBytes);
  if (stream.includes('\0'))
    throw new ImportError('no-account-keys', `cannot push ${path}: it holds no account-key assertion`);
  return { stream, assertions: decodeStream(stream, STREAM_LIMITS) };
}

async function stageKeys(input: ImportInput, folder: string): Promise<ImportContent> {
  const { stream, assertions } = await readKeys(input.path);
  requireDigest(sha3Of(stream), input);
  if (!assertions.some(({ type }) => type === 'account-key'))
    throw new ImportError('no-account-keys', `cannot push ${input.path}: it holds no account-key assertion`);
  await writeFile(join(folder, input.digest), stream, { mode: 0o600 });
  return {
    ...EMPTY_CONTENT,
    kind: input.kind,
    digest: input.digest,
    members: { [basename(input.path)]: input.digest },
  };
}
