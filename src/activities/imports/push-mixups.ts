import { open } from 'node:fs/promises';
import { readBundleHead } from '../../bundles/index.ts';
import type { ImportKind } from '../../workflows/import-contract.ts';
import { ImportError } from './errors.ts';
import { SQUASHFS_MAGIC } from '../snap-file.ts';

/** What a file can be, told by how it begins. */
type Sort = 'archive' | 'metadata' | 'assertions' | 'snap';

/** As what each push takes a file, and what it must be for that. */
const TAKES: Readonly<
  Record<Exclude<ImportKind, 'snap-pair'>, { readonly as: string; readonly sort: Sort }>
> = {
  store: { as: 'a store', sort: 'archive' },
  snap: { as: 'a snap', sort: 'archive' },
  'store-metadata': { as: "a store's metadata", sort: 'metadata' },
  'account-keys': { as: 'account-keys', sort: 'assertions' },
};
/** Enough of a file to tell what it is. */
const BEGINNING = 512;

/**
 * Refuses a file that another push takes, and names that one. What no push takes, and what cannot be read, is left to the
 * reader of the file.
 * @throws ImportError `file-of-other-push`
 */
export async function requireOwnPush(kind: ImportKind, path: string): Promise<void> {
  if (kind === 'snap-pair') return;
  const found = await sortOf(path);
  if (found === undefined || found === TAKES[kind].sort) return;
  throw new ImportError(
    'file-of-other-push',
    `cannot push ${path} as ${TAKES[kind].as}: ${await rightPush(found, path)}`,
  );
}

async function sortOf(path: string): Promise<Sort | undefined> {
  const start = await beginningOf(path);
  // Every gzip file (RFC 1952).
  if (start.startsWith('\x1f\x8b')) return 'archive';
  if (start.startsWith(SQUASHFS_MAGIC)) return 'snap';
  if (/^\s*\{\s*"format":\s*"airlock-store-metadata"/.test(start)) return 'metadata';
  return /^type: [a-z-]+\n/.test(start) ? 'assertions' : undefined;
}

/** A character for each byte; nothing of what cannot be read. */
async function beginningOf(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING), 0, BEGINNING, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return '';
  }
}

async function rightPush(found: Sort, path: string): Promise<string> {
  switch (found) {
    case 'archive':
      return rightPushOfArchive(path);
    case 'metadata':
      return "it is a store's metadata; use push-brand-store-metadata";
    case 'assertions':
      return 'it holds assertions; use push-account-keys, or push-snap with the snap that they belong to';
    case 'snap':
      return 'it is a snap; use push-snap with its NAME.assert beside it';
    default:
      return found satisfies never;
  }
}

async function rightPushOfArchive(path: string): Promise<string> {
  const manifest = await readBundleHead(path).then(
    (head) => head.manifest,
    () => undefined,
  );
  if (manifest?.kind === 'store') return `it is the export of store ${manifest.store}; use push-store`;
  if (manifest?.kind === 'snap') return 'it is the archive of a snap; use push-snap';
  return 'it is an archive; use push-snap or push-store';
}
