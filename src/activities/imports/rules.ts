import { GENERAL_STORE } from '../../brands/index.ts';
import { isSharedWith } from '../../storage/authority/index.ts';
import type { Queries } from '../../storage/index.ts';
import { requirePushed } from './unpushed-snaps.ts';
import type { ImportContent } from './content.ts';
import { ImportError } from './errors.ts';
import { requireKnown } from './files.ts';
import { describesStores } from './origin.ts';

/**
 * Refuses content that reaches beyond its own brand, contradicts what is stored, or speaks of snaps that never came.
 * @throws ImportError
 */
export async function checkContent(queries: Queries, content: ImportContent): Promise<void> {
  await checkStores(queries, content);
  await checkSnaps(queries, content);
  await requireKnown(queries, content);
  if (content.kind === 'store-metadata') await requirePushed(queries, content);
}

async function checkStores(queries: Queries, content: ImportContent): Promise<void> {
  const main = content.stores.find(({ id }) => id === content.store);
  if ((content.stores.length > 0 || describesStores(content)) && main === undefined)
    throw new ImportError(
      'store-unknown',
      `cannot accept the archive: it does not describe its own store ${content.store}`,
    );
  for (const store of content.stores) {
    if (store.id === GENERAL_STORE) {
      if (store.includes.length > 0 || store.kind !== 'general')
        throw new ImportError(
          'store-of-other-brand',
          `cannot accept the archive: it redefines the general store ${store.id}`,
        );
      continue;
    }
    if (store.kind === 'general' || store.brandId === null || store.brandId !== main?.brandId)
      throw new ImportError(
        'store-of-other-brand',
        `cannot accept the archive: store ${store.id} is not of the brand ${main?.brandId} that it is about`,
      );
    const present = await queries
      .selectFrom('Store')
      .select('brandId')
      .where('id', '=', store.id)
      .executeTakeFirst();
    if (present !== undefined && present.brandId !== store.brandId)
      throw new ImportError(
        'store-of-other-brand',
        `cannot accept the archive: it claims store ${store.id} for ${store.brandId}, and here it is ${present.brandId}'s`,
      );
    for (const { store: included } of store.includes)
      if (
        included !== GENERAL_STORE &&
        (await isHostedForAnother(queries, content, included)) &&
        !(await isSharedWith(queries, included, store.brandId))
      )
        throw new ImportError(
          'store-of-other-brand',
          `cannot accept the archive: its store ${store.id} includes ${included}, which is hosted here for another brand and not shared with ${store.brandId}; its owner gives consent where the store is exported, with "--share-with ${store.brandId}", and that export is pushed first`,
        );
  }
  if (content.admin !== null && main === undefined)
    throw new ImportError('admin-unknown', 'cannot accept the archive: it names an admin and no store');
}

async function checkSnaps(queries: Queries, content: ImportContent): Promise<void> {
  if (content.kind === 'snap' && content.exporter !== null && content.snaps.length === 0)
    throw new ImportError(
      'snap-unknown',
      'cannot accept the archive: it is one of single snaps and has none',
    );
  const described = new Set(content.stores.map(({ id }) => id));
  const included = new Set(content.stores.flatMap(({ includes }) => includes.map(({ store }) => store)));
  for (const snap of content.snaps) {
    const known = snap.store === GENERAL_STORE || snap.store === content.store || described.has(snap.store);
    // What "snap download" left has no exporter, and is of the store that this host knows.
    const foreign = !known && content.exporter !== null;
    if (foreign && (!included.has(snap.store) || (await isHostedForAnother(queries, content, snap.store))))
      throw new ImportError(
        'snap-of-other-store',
        `cannot accept snap ${snap.name}: it is of store ${snap.store}, which is not of this brand`,
      );
    await checkSnap(queries, snap);
  }
}

async function checkSnap(queries: Queries, snap: ImportContent['snaps'][number]): Promise<void> {
  const present = await queries
    .selectFrom('Snap')
    .select(['snapId', 'storeId', 'name'])
    .where((eb) => eb.or([eb('snapId', '=', snap.snapId), eb('name', '=', snap.name)]))
    .execute();
  for (const row of present) {
    if (row.snapId !== snap.snapId || row.name !== snap.name)
      throw new ImportError(
        'revision-conflict',
        `cannot accept snap ${snap.name}: another snap has its name or its id here`,
      );
    if (row.storeId !== snap.store)
      throw new ImportError(
        'snap-of-other-store',
        `cannot accept snap ${snap.name}: here it is of store ${row.storeId}, and the archive says ${snap.store}; if the archive is right, remove the snap by "delete-snap ${row.name}" and push again`,
      );
  }
  const stored = await queries
    .selectFrom('SnapRevision')
    .select(['revision', 'sha3_384'])
    .where('snapId', '=', snap.snapId)
    .execute();
  const known = new Map(stored.map(({ revision, sha3_384 }) => [revision, sha3_384]));
  for (const { revision, digest } of snap.revisions) {
    if (known.has(revision) && known.get(revision) !== digest)
      throw new ImportError(
        'revision-conflict',
        `cannot accept snap ${snap.name}: revision ${revision} is here already with other bytes`,
      );
    known.set(revision, digest);
  }
  const components = await queries
    .selectFrom('SnapResource')
    .select(['name', 'revision', 'sha3_384'])
    .where('snapId', '=', snap.snapId)
    .execute();
  for (const { name, revision, digest } of snap.components ?? [])
    if (components.some((one) => one.name === name && one.revision === revision && one.sha3_384 !== digest))
      throw new ImportError(
        'revision-conflict',
        `cannot accept snap ${snap.name}: revision ${revision} of its component ${name} is here already with other bytes`,
      );
  for (const { revision, channel } of snap.channels)
    if (revision !== null && !known.has(revision))
      throw new ImportError(
        'snaps-not-pushed',
        `cannot show ${snap.name} in ${channel}: its revision ${revision} was not pushed yet; push the snap first`,
      );
}

/** Whether this host serves that store for another brand, whose exports alone may say what it holds. */
async function isHostedForAnother(queries: Queries, content: ImportContent, store: string): Promise<boolean> {
  const row = await queries.selectFrom('Store').select('brandId').where('id', '=', store).executeTakeFirst();
  return row !== undefined && row.brandId !== content.stores.find(({ id }) => id === content.store)?.brandId;
}
