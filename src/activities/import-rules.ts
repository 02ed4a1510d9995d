import { GENERAL_STORE } from '../brands/index.ts';
import { parseChannel } from '../snaps/index.ts';
import { isSharedWith } from '../storage/authority/index.ts';
import type { Queries } from '../storage/index.ts';
import type { AwaitedSnaps } from '../workflows/import-contract.ts';
import type { ImportContent } from './import-content.ts';
import { ImportError } from './import-errors.ts';
import { requireKnown } from './import-files.ts';

/** How an operator wants an archive's origin judged. */
export interface OriginRules {
  /** Fingerprint that the operator expects; null: whatever is pinned. */
  readonly exporter: string | null;
  readonly allowOlder: boolean;
}

/**
 * Refuses an archive that is not from the machine whose exports we accept, or is older than what we have.
 * @returns true when there is no pinned key yet, so that this import pins one
 * @throws ImportError `exporter-foreign`, `bundle-stale`
 */
export async function checkOrigin(
  queries: Queries,
  content: ImportContent,
  rules: OriginRules,
): Promise<boolean> {
  if (content.exporter === null) return false;
  if (content.kind === 'snap' && content.channelMaps === 'exact' && !rules.allowOlder)
    await refuseOlderReleases(queries, content);
  const { fingerprint } = content.exporter;
  if (rules.exporter !== null && rules.exporter !== fingerprint)
    throw new ImportError(
      'exporter-foreign',
      `cannot accept the archive: it was exported with the key ${fingerprint}, not with ${rules.exporter}`,
    );
  const pinned = await queries
    .selectFrom('PinnedExporter')
    .select(['fingerprint', 'pinnedAt', 'newestExport'])
    .where('storeId', '=', pinOf(content))
    .executeTakeFirst();
  if (pinned === undefined) {
    if (rules.exporter === null) await requireExporterOfBrand(queries, content, fingerprint);
    return true;
  }
  if (pinned.fingerprint !== fingerprint && rules.exporter === null)
    throw new ImportError(
      'exporter-foreign',
      `cannot accept the archive: it was exported with the key ${fingerprint}, and earlier ones for this store with ${pinned.fingerprint}; if the exporting machine changed, compare the new fingerprint there and push again with --exporter ${fingerprint}`,
    );
  const ordered = describesStores(content);
  // Pinned by single snaps: that says nothing of who describes the store, nor of a store that was described afterwards.
  if (pinned.newestExport === '' && rules.exporter === null) {
    const since = await describedSince(queries, pinOf(content));
    if (ordered || since === undefined || pinned.pinnedAt < since)
      await requireExporterOfBrand(queries, content, fingerprint);
  }
  if (ordered && !rules.allowOlder && content.exportedAt !== null && content.exportedAt < pinned.newestExport)
    throw new ImportError(
      'bundle-stale',
      `cannot accept the archive: it was exported at ${content.exportedAt}, and one of ${pinned.newestExport} was imported already; to go back push with --allow-older`,
    );
  return pinned.fingerprint !== fingerprint;
}

/** Since when this host knows which brand's store that is; undefined: it does not, or it is nobody's. */
export async function describedSince(queries: Queries, storeId: string): Promise<string | undefined> {
  const store = await storeOf(queries, storeId);
  return store?.brandId === null ? undefined : store?.createdAt;
}

/**
 * The first archive of a store pins its exporter, but not for a brand that is hosted here already: only who exports its stores may
 * add one, or somebody could describe them anew, and share them, under the name of a store that is new. Where no export of the
 * brand's stores was accepted yet, because they were made on this host, only the operator can name the exporter. A pin that came
 * with single snaps vouches for nothing: it may be older than the word whose store it is.
 */
async function requireExporterOfBrand(
  queries: Queries,
  content: ImportContent,
  fingerprint: string,
): Promise<void> {
  for (const brandId of await brandsOf(queries, content)) {
    const hosted = await queries
      .selectFrom('Store')
      .leftJoin('PinnedExporter', (join) =>
        join.onRef('PinnedExporter.storeId', '=', 'Store.id').on('PinnedExporter.newestExport', '!=', ''),
      )
      .select('PinnedExporter.fingerprint as fingerprint')
      .where('Store.brandId', '=', brandId)
      .execute();
    const pins = hosted.flatMap((store) => store.fingerprint ?? []);
    if (hosted.length > 0 && !pins.includes(fingerprint)) throw foreignToBrand(brandId, fingerprint, pins[0]);
  }
}

function foreignToBrand(brandId: string, fingerprint: string, known: string | undefined): ImportError {
  return new ImportError(
    'exporter-foreign',
    known === undefined
      ? `cannot accept the archive: it was exported with the key ${fingerprint}, and the stores of the brand ${brandId} are here without any exporter's key; compare the fingerprint on the exporting machine and push again with --exporter ${fingerprint}`
      : `cannot accept the archive: it was exported with the key ${fingerprint}, and the other stores of the brand ${brandId} with ${known}; if the brand has another exporting machine, compare the fingerprint there and push again with --exporter ${fingerprint}`,
  );
}

/**
 * Whose store the archive is about: as it says itself, or, of single snaps, as this host knows. Of a store that nobody described yet
 * the brands that may be touched are the publishers of its snaps, by the word of their declarations.
 */
async function brandsOf(queries: Queries, content: ImportContent): Promise<readonly string[]> {
  const described = content.stores.find(({ id }) => id === content.store);
  const store = described ?? (await storeOf(queries, pinOf(content)));
  if (store !== undefined) return store.brandId === null ? [] : [store.brandId];
  const own = content.snaps.filter((snap) => snap.store === content.store);
  return [...new Set(own.map(({ publisherId }) => publisherId))];
}

function storeOf(queries: Queries, id: string) {
  return queries.selectFrom('Store').select(['brandId', 'createdAt']).where('id', '=', id).executeTakeFirst();
}

/** An archive of single snaps is older for a channel when that channel got another revision after it was made. */
async function refuseOlderReleases(queries: Queries, content: ImportContent): Promise<void> {
  for (const snap of content.snaps) {
    const open = await queries
      .selectFrom('ChannelRelease')
      .select(['track', 'risk', 'branch', 'architecture', 'revision', 'releasedAt'])
      .where('snapId', '=', snap.snapId)
      .where('endedAt', 'is', null)
      .execute();
    const held = new Map(
      open.map((row) => [`${row.track}/${row.risk}/${row.branch} ${row.architecture}`, row]),
    );
    for (const { channel, architecture, revision, releasedAt } of snap.channels) {
      const { track, risk, branch } = parseChannel(channel);
      const now = held.get(`${track}/${risk}/${branch ?? ''} ${architecture}`);
      if (now === undefined || now.revision === revision || now.releasedAt <= releasedAt) continue;
      throw new ImportError(
        'bundle-stale',
        `cannot take over the channel map: ${channel} of ${snap.name} ${now.revision === null ? 'was closed' : `got revision ${now.revision}`} at ${now.releasedAt}, and the archive is older: it says ${revision === null ? 'closed' : `revision ${revision}`} since ${releasedAt}; to go back push with --allow-older`,
      );
    }
  }
}

/** Whether the archive says what stores are, and not only brings snaps. */
export function describesStores({ kind }: ImportContent): boolean {
  return kind === 'store' || kind === 'store-metadata';
}

/** The store that an exporter is pinned for. */
export function pinOf(content: ImportContent): string {
  return content.store ?? GENERAL_STORE;
}

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
        `cannot accept snap ${snap.name}: here it is of store ${row.storeId}, and the archive says ${snap.store}`,
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

/** How many awaited snaps are named. */
const AWAITED_MAX = 100;

/** Snaps of stores that are included as a whole are named by who exports: which of them were not pushed yet. */
export async function awaitedSnaps(
  queries: Queries,
  content: ImportContent | undefined,
): Promise<AwaitedSnaps> {
  const awaits = content?.awaits ?? [];
  if (awaits.length === 0) return { names: [], more: 0 };
  const rows = await queries.selectFrom('Snap').select('snapId').execute();
  const present = new Set(rows.map(({ snapId }) => snapId));
  const missing = awaits.filter(({ snapId }) => !present.has(snapId)).map(({ name }) => name);
  return {
    names: missing.toSorted().slice(0, AWAITED_MAX),
    more: Math.max(missing.length - AWAITED_MAX, 0),
  };
}

/** Metadata names the snaps that a brand's devices see: all must be here, else the operator hears which to push. */
async function requirePushed(queries: Queries, content: ImportContent): Promise<void> {
  const wanted = new Map<string, string>();
  for (const snap of content.snaps) wanted.set(snap.snapId, snap.name);
  for (const store of content.stores)
    for (const { snaps } of store.includes)
      for (const { snapId, name } of snaps ?? []) wanted.set(snapId, name);
  const present = new Set(
    (await queries.selectFrom('Snap').select('snapId').execute()).map(({ snapId }) => snapId),
  );
  if ([...wanted.keys()].every((snapId) => present.has(snapId))) return;
  for (const { snapId, name } of content.awaits ?? []) wanted.set(snapId, name);
  const missing = [...wanted].filter(([snapId]) => !present.has(snapId)).map(([, name]) => name);
  throw new ImportError(
    'snaps-not-pushed',
    `cannot import the metadata of store ${content.store} yet: the file is sound, but ${missing.length} of its snaps were not pushed: ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ', …' : ''}; push them first, then the metadata again`,
  );
}
