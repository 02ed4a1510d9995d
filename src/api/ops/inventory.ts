import { Hono } from 'hono';
import { encodeInventory, type Inventory } from '../../bundles/index.ts';
import { parseBlobDigest, type BlobStore, type Queries } from '../../storage/index.ts';
import type { OpsDeps } from './deps.ts';

/** What is here, for the host that exports to this one: GET /inventory answers with the file to carry out. */
export function inventoryRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  app.get('/inventory', async (context) => {
    const inventory = await inventoryOf(deps.database.queries, deps.blobs, deps.clock());
    return context.body(encodeInventory(inventory), 200, { 'content-type': 'application/json' });
  });
  return app;
}

async function inventoryOf(queries: Queries, blobs: BlobStore, at: Date): Promise<Inventory> {
  const [stores, snaps, revisions, components, last] = await Promise.all([
    queries.selectFrom('Store').select(['id', 'brandId']).orderBy('id').execute(),
    queries.selectFrom('Snap').select(['snapId', 'name']).orderBy('name').execute(),
    queries
      .selectFrom('SnapRevision')
      .select(['snapId', 'revision', 'sha3_384', 'size'])
      .orderBy('revision')
      .execute(),
    queries
      .selectFrom('SnapResource')
      .select(['snapId', 'name', 'revision', 'sha3_384', 'size'])
      .orderBy('name')
      .orderBy('revision')
      .execute(),
    queries
      .selectFrom('ImportRecord')
      .select(['digest', 'fileName', 'importedAt'])
      .where('outcome', '=', 'imported')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst(),
  ]);
  const revisionsOf = Map.groupBy(await present(blobs, revisions), ({ snapId }) => snapId);
  const componentsOf = Map.groupBy(await present(blobs, components), ({ snapId }) => snapId);
  return {
    format: 'airlock-inventory',
    version: 1,
    writtenAt: at.toISOString(),
    stores,
    snaps: snaps.map(({ snapId, name }) => ({
      snapId,
      name,
      revisions: (revisionsOf.get(snapId) ?? []).map(fileOf),
      components: (componentsOf.get(snapId) ?? []).map((row) => ({ name: row.name, ...fileOf(row) })),
    })),
    assertions: await newestAssertions(queries),
    lastImport: last ?? null,
  };
}

interface FileRow {
  readonly revision: number;
  readonly sha3_384: string;
  readonly size: number;
}

function fileOf({ revision, sha3_384, size }: FileRow) {
  return { revision, digest: sha3_384, size: Number(size) };
}

/** Rows whose files are whole in the store. */
async function present<Row extends FileRow>(blobs: BlobStore, rows: readonly Row[]): Promise<Row[]> {
  const found = await blobs.findAll(rows.map(({ sha3_384 }) => parseBlobDigest(sha3_384)));
  return rows.filter(({ sha3_384, size }) => found.get(parseBlobDigest(sha3_384))?.size === Number(size));
}

async function newestAssertions(queries: Queries): Promise<Inventory['assertions']> {
  const rows = await queries
    .selectFrom('StoredAssertion')
    .select(['type', 'primaryKey', 'revision'])
    .where('type', 'in', ['account-key', 'snap-declaration'])
    .orderBy('type')
    .orderBy('primaryKey')
    .orderBy('revision')
    .execute();
  const newest = new Map(rows.map((row) => [`${row.type}/${row.primaryKey}`, row]));
  return [...newest.values()].map(({ type, primaryKey, revision }) => ({
    type: type === 'account-key' ? type : 'snap-declaration',
    primaryKey: primaryKey.split('/'),
    revision,
  }));
}
