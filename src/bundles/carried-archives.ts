import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleHead } from './archive-checks.ts';
import { readBundleHead } from './archive-reader.ts';
import { BundleError } from './errors.ts';
import { sha3Of } from './hashing.ts';
import { encodeInventory, inventorySchema } from './inventory.ts';

/** Archives of one folder that are looked at. */
const ARCHIVES_MAX = 10_000;

/** Archives that were carried to the other side, by their heads. */
export interface CarriedArchives {
  readonly heads: readonly BundleHead[];
  /** Names just these. */
  readonly digest: string;
  /** When the newest of them was made. */
  readonly at: string;
}

/**
 * Reads the heads of one archive, or of all in a folder. What an archive rested on itself is there as well, as it could not be pushed otherwise.
 * @throws BundleError
 */
export async function readCarriedArchives(path: string): Promise<CarriedArchives> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const names = isFolder ? (await readdir(path)).filter((name) => name.endsWith('.tar.gz')).toSorted() : [];
  if (isFolder && (names.length === 0 || names.length > ARCHIVES_MAX))
    throw new BundleError(
      'bundle-unreadable',
      `cannot rest on ${path}: it holds ${names.length} archives, and 1 to ${ARCHIVES_MAX} are read; name one of them, or another folder`,
    );
  const heads: BundleHead[] = [];
  for (const file of isFolder ? names.map((name) => join(path, name)) : [path])
    heads.push(await readBundleHead(file));
  const at = heads.map(({ manifest }) => manifest.createdAt).toSorted();
  return { heads, digest: sha3Of(heads.map(({ digest }) => digest).join()), at: at.at(-1) ?? '' };
}

/**
 * The same as an inventory, for a host that cannot read the archives: the files that they brought, and no more.
 * @throws BundleError `inventory-invalid` where they hold more than one may list
 */
export async function inventoryOfArchives(path: string): Promise<string> {
  const { heads, at } = await readCarriedArchives(path);
  const snaps = Map.groupBy(
    heads.flatMap(({ manifest }) => manifest.snaps),
    ({ snapId }) => snapId,
  );
  const listed = [...snaps].map(([snapId, ones]) => ({
    snapId,
    name: ones[0]?.name ?? '',
    revisions: each(ones.flatMap(({ revisions }) => revisions.map(fileOf))),
    components: each(
      ones.flatMap(({ components = [] }) => components.map((one) => ({ name: one.name, ...fileOf(one) }))),
    ),
  }));
  const inventory = inventorySchema.safeParse({
    format: 'airlock-inventory',
    version: 1,
    writtenAt: at,
    stores: [],
    snaps: listed,
    assertions: [],
    lastImport: null,
  });
  if (inventory.success) return encodeInventory(inventory.data);
  throw new BundleError(
    'inventory-invalid',
    `cannot rest on ${path}: its archives hold more files than can be sent; name fewer archives, or an --inventory`,
    { cause: inventory.error },
  );
}

interface ListedFile {
  readonly revision: number;
  readonly digest: string;
  readonly size: number;
}

function fileOf({ revision, digest, size }: ListedFile): ListedFile {
  return { revision, digest, size };
}

/** Several archives may have brought the same one. */
function each<File extends ListedFile>(files: readonly File[]): readonly File[] {
  return [...new Map(files.map((one) => [one.digest, one])).values()];
}
