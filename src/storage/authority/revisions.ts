import { AirlockError } from '../../errors.ts';
import { decideRevision } from '../../publishers/index.ts';
import { revisionFacts, type SnapYaml } from '../../snaps/index.ts';
import type { Queries } from '../database.ts';

/** A revision that was given its number. */
export interface UploadedRevision {
  readonly revision: number;
  readonly sha3_384: string;
  /** Bytes. */
  readonly size: number;
  readonly publisherId: string;
}

/**
 * Gives a file of a registered snap its revision number and writes down what its snap.yaml says. The same file keeps
 * the number that it had. Call it in a transaction.
 *
 * @throws PublisherError `upload-refused` for a file of another snap; AirlockError `snap-unknown`
 */
export async function admitRevision(
  queries: Queries,
  file: {
    readonly snapId: string;
    readonly sha3_384: string;
    readonly size: number;
    /** Its snap.yaml, as text and as read. */
    readonly metadata: { readonly text: string; readonly yaml: SnapYaml };
    readonly at: Date;
  },
): Promise<UploadedRevision> {
  const { snapId, sha3_384, size, metadata } = file;
  const snap = await queries
    .selectFrom('Snap')
    .select(['name', 'publisherId'])
    .where('snapId', '=', snapId)
    .executeTakeFirst();
  if (!snap)
    throw new AirlockError('not-found', 'snap-unknown', `cannot take a file for ${snapId}: no such snap`);
  const known = await queries
    .selectFrom('SnapRevision')
    .select(['revision', 'sha3_384'])
    .where('snapId', '=', snapId)
    .execute();
  const { kind, revision } = decideRevision(snap.name, metadata.yaml, sha3_384, known);
  if (kind === 'new') await insertRevision(queries, file, revision);
  await describeSnap(queries, file);
  return { revision, sha3_384, size, publisherId: snap.publisherId };
}

type File = Parameters<typeof admitRevision>[1];

async function insertRevision(queries: Queries, file: File, revision: number): Promise<void> {
  const { yaml, text } = file.metadata;
  await queries
    .insertInto('SnapRevision')
    .values({
      snapId: file.snapId,
      revision,
      sha3_384: file.sha3_384,
      size: file.size,
      ...revisionFacts(yaml),
      snapYaml: text,
      createdAt: file.at.toISOString(),
    })
    .execute();
}

/** What a snap says of itself follows its newest upload. */
async function describeSnap(queries: Queries, { snapId, metadata, at }: File): Promise<void> {
  const { title, summary, description, license, type } = metadata.yaml;
  await queries
    .updateTable('Snap')
    .set({ title, summary, description, license: license ?? null, type, changedAt: at.toISOString() })
    .where('snapId', '=', snapId)
    .execute();
}
