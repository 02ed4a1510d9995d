import { GENERAL_STORE } from '../../brands/index.ts';
import { parseChannel } from '../../snaps/index.ts';
import type { Queries } from '../../storage/index.ts';
import type { ImportContent } from './content.ts';
import { ImportError } from './errors.ts';

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
