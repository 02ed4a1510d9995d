import type { Assertion } from '../../assertions/index.ts';
import { ancestorsOf } from '../../brands/index.ts';
import { fileNames, type ManifestStore } from '../../bundles/index.ts';
import { loadStoreLines, type Queries } from '../../storage/index.ts';
import type {
  ExportOutcome,
  ExportedRevision,
  ExportedToken,
  StoreExport,
} from '../../workflows/export-contract.ts';
import {
  exporterSigner,
  leftOutOf,
  writeArchive,
  type ArchiveOptions,
  type SnapMaterial,
} from './archive.ts';
import { AssertionCloser, accountKeys } from './assertions.ts';
import { knownThere } from './basis.ts';
import { snapMaterial } from './catalog.ts';
import { closureWarnings, scopeWithDependencies, withDependencies } from './dependencies.ts';
import type { ExportDeps } from './deps.ts';
import { storesFor, withShares } from './described-stores.ts';
import { makeExportFolder } from './folder.ts';
import { awaitedBy, ownSnaps, snapIdsOf } from './visible-snaps.ts';

/**
 * Writes a store's archive: everything that devices of its brand may see, signed and chained to the root.
 * @throws ExportError, BundleError
 */
export async function writeStoreExport(
  input: StoreExport,
  at: Date,
  token: ExportedToken,
  deps: ExportDeps,
  options: ArchiveOptions,
): Promise<ExportOutcome> {
  const { queries } = deps.database;
  const closer = new AssertionCloser(queries);
  const stores = withShares(await storesFor(queries, input.store), input.shareWith ?? []);
  const chosen: SnapMaterial[] = [];
  const scope = input.withDependencies ? scopeWithDependencies(input) : input;
  const known = await knownThere(input.basis, scope, queries);
  const parts = { queries, blobs: deps.blobs, closer, known };
  const visible = await snapIdsOf(queries, stores);
  const own = await ownSnaps(queries, stores, visible.ids);
  for (const snapId of input.snaps ? own.ids : []) {
    const material = await snapMaterial(parts, snapId, input, true);
    if (material !== undefined) chosen.push(material);
  }
  const seen = new Set(own.ids);
  const brought = input.withDependencies
    ? await withDependencies(parts, chosen, {
        architectures: input.architectures,
        named: new Set(),
        seenIn: () => Promise.resolve(seen),
        devicesOf: input.store,
      })
    : undefined;
  const snaps = brought?.snaps ?? chosen;
  const keys = await accountKeys(closer, input.keys);
  const streams = new Map([
    ['assertions/store.assert', await storeAssertions(queries, closer, stores, token.accountId)],
    ['keys/account-keys.assert', await closer.close(keys)],
  ]);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const written = await writeArchive(
    { folder, nameAt: (time) => fileNames.storeExport(input.store, time), at },
    {
      kind: 'store',
      store: input.store,
      createdAt: at,
      complete: visible.all && input.snaps && input.channels.length === 0 && input.architectures.length === 0,
      stores,
      admin: await adminEntry(queries, token),
      streams,
      snaps,
      ...(!input.snaps && { awaits: await awaitedBy(queries, stores) }),
      rest: known?.rest,
    },
    await exporterSigner(deps.settings, at),
    options,
  );
  return {
    files: [{ subject: input.store, path: written.path, size: written.size }],
    tokenFile: token.path,
    snaps: exportedRevisions(snaps),
    accountKeys: [...input.keys],
    warnings: [
      ...(input.snaps && own.ids.length > 0 && snaps.length === 0 ? [noSnaps(input)] : []),
      ...own.warnings,
      ...(brought?.warnings ?? []),
      ...(await closureWarnings(queries, snaps, known?.names)),
    ],
    ...(brought && { dependencies: brought.dependencies }),
    ...(known && { leftOut: leftOutOf(snaps) }),
  };
}

/** An archive without snaps is sound, and seldom meant: a misspelt track, or an architecture that nobody builds for. */
function noSnaps({ store, channels, architectures }: StoreExport): string {
  const where = channels.length === 0 ? 'any channel' : channels.join(' or ');
  const which = architectures.length === 0 ? '' : ` for ${architectures.join(' or ')}`;
  return `no snap of store ${store} is in ${where}${which}: the archive holds none`;
}

/** Assertions of the stores and of those above them, accounts of brand and admin, and the brand's validation sets. */
export async function storeAssertions(
  queries: Queries,
  closer: AssertionCloser,
  stores: readonly ManifestStore[],
  adminId: string,
): Promise<readonly Assertion[]> {
  const brandId = stores[0]?.brandId;
  const lines = await loadStoreLines(queries);
  const named = new Set(stores.flatMap(({ id }) => [id, ...ancestorsOf(lines, id)]));
  const wanted = [
    ...[...named].map((id) => ({ type: 'store' as const, primaryKey: [id] })),
    ...[brandId, adminId].flatMap((id) => (id ? [{ type: 'account' as const, primaryKey: [id] }] : [])),
  ];
  const found: Assertion[] = [];
  for (const ref of wanted) {
    const assertion = await closer.find(ref);
    if (assertion !== undefined) found.push(assertion);
  }
  if (brandId) found.push(...(await closer.ofAccount(brandId, ['validation-set'])));
  return closer.close(found);
}

async function adminEntry(queries: Queries, token: ExportedToken) {
  const row = await queries
    .selectFrom('Account')
    .select(['id', 'username', 'displayName', 'email'])
    .where('id', '=', token.accountId)
    .executeTakeFirstOrThrow();
  return {
    accountId: row.id,
    username: row.username,
    displayName: row.displayName,
    email: row.email ?? '',
    tokenDigest: token.digest,
    tokenId: token.sessionId,
    tokenExpiresAt: token.expiresAt,
  };
}

/** One line for each place that a revision is in, for the progress lines of the documented output. */
export function exportedRevisions(snaps: readonly SnapMaterial[]): readonly ExportedRevision[] {
  return snaps.flatMap(({ snap, revisions }) =>
    revisions.flatMap(({ revision: { revision } }) => {
      const places = snap.channels.filter((release) => release.revision === revision);
      return places.map(({ channel, architecture }) => ({
        name: snap.name,
        revision,
        channel,
        architecture,
      }));
    }),
  );
}
