import { z } from 'zod';
import type { Queries } from '../../../storage/index.ts';
import { blocked } from '../errors.ts';

/** Rows of one statement: far below the bound on parameters of either engine. */
const BATCH = 50;

const id = z.number();
const snap = z.object({
  snapId: z.string(),
  name: z.string(),
  storeId: z.string(),
  publisherId: z.string(),
  private: z.coerce.boolean(),
  type: z.string(),
  title: z.string(),
  summary: z.string(),
  description: z.string(),
  license: z.string().nullable(),
  contact: z.string().nullable(),
  website: z.string().nullable(),
  links: z.record(z.string(), z.array(z.string())),
  media: z.array(
    z.object({
      type: z.string(),
      url: z.string(),
      width: z.number().exactOptional(),
      height: z.number().exactOptional(),
      sha3_384: z.string().exactOptional(),
    }),
  ),
  categories: z.array(z.object({ name: z.string(), featured: z.boolean() })),
  defaultTrack: z.string().nullable(),
  createdAt: z.string(),
  changedAt: z.string(),
});
const revision = z.object({
  id,
  snapId: z.string(),
  revision: z.number(),
  sha3_384: z.string(),
  size: z.number(),
  version: z.string(),
  type: z.string(),
  architectures: z.array(z.string()),
  base: z.string().nullable(),
  confinement: z.string(),
  grade: z.string(),
  epoch: z.object({ read: z.array(z.number()), write: z.array(z.number()) }),
  snapYaml: z.string(),
  provenance: z.string(),
  createdAt: z.string(),
});
const release = z.object({
  id,
  snapId: z.string(),
  track: z.string(),
  risk: z.string(),
  branch: z.string(),
  architecture: z.string(),
  revision: z.number().nullable(),
  releasedAt: z.string(),
  expiresAt: z.string().nullable(),
  percentage: z.number().nullable(),
  progressiveKey: z.string().nullable(),
  paused: z.coerce.boolean(),
  endedAt: z.string().nullable(),
});
const component = z.object({
  id,
  snapId: z.string(),
  name: z.string(),
  type: z.string(),
  revision: z.number(),
  version: z.string(),
  description: z.string(),
  sha3_384: z.string(),
  size: z.number(),
  createdAt: z.string(),
});
const pair = z.object({
  id,
  snapId: z.string(),
  snapRevision: z.number(),
  resourceName: z.string(),
  resourceRevision: z.number(),
});
const delta = z.object({
  id,
  snapId: z.string(),
  format: z.string(),
  sourceRevision: z.number(),
  targetRevision: z.number(),
  sourceSha3_384: z.string(),
  targetSha3_384: z.string(),
  sha3_384: z.string(),
  size: z.number(),
  createdAt: z.string(),
});
const assertion = z.object({
  id,
  type: z.string(),
  primaryKey: z.string(),
  sequenceKey: z.string(),
  sequence: z.number().nullable(),
  revision: z.number(),
  format: z.number(),
  authorityId: z.string(),
  signKeyId: z.string(),
  snapId: z.string().nullable(),
  accountId: z.string().nullable(),
  trusted: z.coerce.boolean(),
  /** Base64. */
  bytes: z.string(),
  addedAt: z.string(),
});

/** The rows that a removal took away, whole and with their ids: earlier undos name rows by them. */
export const removedRowsSchema = z.object({
  snaps: z.array(snap),
  revisions: z.array(revision),
  releases: z.array(release),
  components: z.array(component),
  pairs: z.array(pair),
  deltas: z.array(delta),
  assertions: z.array(assertion),
});

/** See `removedRowsSchema`. */
export type RemovedRows = z.output<typeof removedRowsSchema>;

/** Nothing removed yet. */
export function noRemovedRows(): RemovedRows {
  return { snaps: [], revisions: [], releases: [], components: [], pairs: [], deltas: [], assertions: [] };
}

/** A row as it was found, in the form that an undo keeps; throws where the table has changed and this file has not. */
export const keptRow = {
  snap: (row: unknown) => snap.parse(row),
  revision: (row: unknown) => revision.parse(row),
  release: (row: unknown) => release.parse(row),
  component: (row: unknown) => component.parse(row),
  pair: (row: unknown) => pair.parse(row),
  delta: (row: unknown) => delta.parse(row),
  assertion: (row: { readonly bytes: Uint8Array }) =>
    assertion.parse({ ...row, bytes: Buffer.from(row.bytes).toString('base64') }),
};

/**
 * Puts rows back as they were.
 * @throws ImportError `roll-back-blocked` where something else has taken their place
 */
export async function putBackRows(queries: Queries, removed: RemovedRows, subject: string): Promise<void> {
  await requirePlace(queries, removed, subject);
  for (const rows of batches(removed.snaps)) await queries.insertInto('Snap').values(rows).execute();
  for (const rows of batches(removed.revisions))
    await queries.insertInto('SnapRevision').values(rows).execute();
  for (const rows of batches(removed.releases))
    await queries.insertInto('ChannelRelease').values(rows).execute();
  for (const rows of batches(removed.components))
    await queries.insertInto('SnapResource').values(rows).execute();
  for (const rows of batches(removed.pairs))
    await queries.insertInto('SnapResourcePair').values(rows).execute();
  // Made again meanwhile, or issued again: what is there says the same.
  for (const rows of batches(removed.deltas))
    await queries
      .insertInto('Delta')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['format', 'sourceSha3_384', 'targetSha3_384']).doNothing())
      .execute();
  for (const rows of batches(removed.assertions))
    await queries
      .insertInto('StoredAssertion')
      .values(rows.map((row) => ({ ...row, bytes: Buffer.from(row.bytes, 'base64') })))
      .onConflict((conflict) => conflict.columns(['type', 'primaryKey', 'revision']).doNothing())
      .execute();
}

async function requirePlace(queries: Queries, removed: RemovedRows, subject: string): Promise<void> {
  for (const { snapId, name } of removed.snaps) {
    const taken = await queries
      .selectFrom('Snap')
      .select('name')
      .where((eb) => eb.or([eb('snapId', '=', snapId), eb('name', '=', name)]))
      .executeTakeFirst();
    if (taken !== undefined) throw blocked(subject, `a snap ${name} was registered since`);
  }
  for (const { snapId, revision: number } of removed.revisions) {
    const taken = await queries
      .selectFrom('SnapRevision')
      .select('id')
      .where('snapId', '=', snapId)
      .where('revision', '=', number)
      .executeTakeFirst();
    if (taken !== undefined) throw blocked(subject, `revision ${number} of the snap came in again since`);
  }
  if (removed.snaps.length > 0) return;
  for (const snapId of new Set(removed.revisions.map((row) => row.snapId))) {
    const there = await queries
      .selectFrom('Snap')
      .select('snapId')
      .where('snapId', '=', snapId)
      .executeTakeFirst();
    if (there === undefined) throw blocked(subject, 'the snap itself is gone since');
  }
}

function* batches<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let from = 0; from < rows.length; from += BATCH) yield rows.slice(from, from + BATCH);
}
