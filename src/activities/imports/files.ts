import { parseBlobDigest, type BlobStore, type Queries } from '../../storage/index.ts';
import { revisionsOf, type ImportContent } from './content.ts';
import { ImportError } from './errors.ts';

/** A file that devices download: a revision of a snap, or of a component. */
export interface ContentFile {
  /** What people call it. */
  readonly subject: string;
  readonly snapId: string;
  readonly member: string;
  readonly digest: string;
  readonly size: number;
  /** It does not come along: the archive says that it is here. */
  readonly leftOut: boolean;
}

/** Every file of an import. */
export function filesOf(content: ImportContent): readonly ContentFile[] {
  const leftOut = new Set(content.leftOut);
  const file = (subject: string, snapId: string, one: Pick<ContentFile, 'member' | 'digest' | 'size'>) => ({
    subject,
    snapId,
    member: one.member,
    digest: one.digest,
    size: one.size,
    leftOut: leftOut.has(one.member),
  });
  return [
    ...revisionsOf(content).map(({ snap, revision }) =>
      file(`${snap.name} ${revision.revision}`, snap.snapId, revision),
    ),
    ...content.snaps.flatMap((snap) =>
      (snap.components ?? []).map((component) =>
        file(`${snap.name}+${component.name} ${component.revision}`, snap.snapId, component),
      ),
    ),
  ];
}

/**
 * Refuses an archive that leaves out what this host does not know those very snaps to have: that some blob of the digest is here
 * gives nobody a snap.
 * @throws ImportError `files-left-out`
 */
export async function requireKnown(queries: Queries, content: ImportContent): Promise<void> {
  const leftOut = filesOf(content).filter((file) => file.leftOut);
  const missing: string[] = [];
  for (const [snapId, files] of Map.groupBy(leftOut, (file) => file.snapId)) {
    const known = new Set<string>();
    for (const table of ['SnapRevision', 'SnapResource'] as const) {
      const rows = await queries.selectFrom(table).select('sha3_384').where('snapId', '=', snapId).execute();
      for (const { sha3_384 } of rows) known.add(sha3_384);
    }
    missing.push(...files.filter(({ digest }) => !known.has(digest)).map(({ subject }) => subject));
  }
  refuseWithout(missing);
}

/**
 * Refuses an archive that leaves out a file that is not on the disk, whole.
 * @throws ImportError `files-left-out`
 */
export async function requirePresent(blobs: BlobStore, content: ImportContent): Promise<void> {
  const leftOut = filesOf(content)
    .filter((file) => file.leftOut)
    .map((file) => ({ ...file, digest: parseBlobDigest(file.digest) }));
  if (leftOut.length === 0) return;
  const present = await blobs.findAll(leftOut.map(({ digest }) => digest));
  const missing = leftOut.filter(({ digest, size }) => present.get(digest)?.size !== size);
  refuseWithout(missing.map(({ subject }) => subject));
}

function refuseWithout(missing: readonly string[]): void {
  if (missing.length === 0) return;
  const shown = missing.slice(0, 5).join(', ');
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  throw new ImportError(
    'files-left-out',
    `cannot import the archive: it leaves out files that it takes to be here, and these are not: ${shown}${more}; export again without --inventory and --since, or with an inventory of this host as it is now`,
  );
}
