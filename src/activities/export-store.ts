import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Assertion } from '../assertions/index.ts';
import { ancestorsOf } from '../brands/index.ts';
import { fileNames, type ManifestStore } from '../bundles/index.ts';
import { tokenDigest } from '../publishers/index.ts';
import {
  loadStoreLines,
  type BlobStore,
  type Database,
  type Queries,
  type SettingStore,
} from '../storage/index.ts';
import type { TokenOffice } from '../storage/authority/index.ts';
import type {
  ExportOutcome,
  ExportedRevision,
  ExportedToken,
  StoreExport,
} from '../workflows/export-contract.ts';
import {
  exporterSigner,
  leftOutOf,
  writeArchive,
  type ArchiveOptions,
  type SnapMaterial,
} from './exports/archive.ts';
import { AssertionCloser } from './exports/assertions.ts';
import { knownThere } from './exports/basis.ts';
import { snapMaterial } from './exports/catalog.ts';
import { closureWarnings, scopeWithDependencies, withDependencies } from './exports/dependencies.ts';
import { awaitedBy, ownSnaps, snapIdsOf } from './exports/visible-snaps.ts';
import { storesFor, withShares } from './exports/described-stores.ts';
import { ExportError } from './exports/errors.ts';
import { makeExportFolder } from './exports/folder.ts';
import { freePath } from './exports/free-path.ts';

/** Life of an exported admin token: one year, as the documented one (protocol/operators.md 2.1). */
const TOKEN_DAYS = 365;

/** What exports need from the host. */
export interface ExportDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly tokens: TokenOffice;
  readonly now: () => Date;
  /** Folder for exports that name none. */
  readonly exportFolder: string;
  /** The host that tokens are for, as people know it. */
  readonly location: string;
}

/**
 * Issues the admin token of a store's export into a file of its owner's alone. A repeat of the same export finds the file, and
 * issues nothing.
 * @throws ExportError `store-unknown`, `admin-unknown`, `key-unknown`, `export-folder-unusable`
 */
export async function issueAdminToken(
  input: StoreExport,
  at: Date,
  deps: ExportDeps,
): Promise<ExportedToken> {
  const { queries } = deps.database;
  const [store] = withShares(await storesFor(queries, input.store), input.shareWith ?? []);
  const account = await adminOf(queries, input);
  await accountKeys(new AssertionCloser(queries), input.keys);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const year = new Date(at.getTime() + TOKEN_DAYS * 86_400_000);
  const until = input.adminUntil === undefined ? year : new Date(input.adminUntil);
  const expires = until < year ? until : year;
  const place = { folder, nameAt: (time: string) => fileNames.adminToken(input.store, time), at };
  const path = await freePath(
    place,
    async (one) => (await issuedBefore(queries, one, account)) !== undefined,
  );
  const before = await issuedBefore(queries, path, account);
  if (before !== undefined)
    return { ...before, path, accountId: account, expiresAt: before.expiresAt ?? expires.toISOString() };
  const issued = await deps.tokens.issue(
    {
      accountId: account,
      kind: 'admin',
      description: `Export of store ${input.store}`,
      expires,
      limits: [
        { condition: 'acl', permissions: ['store_admin'] },
        { condition: 'store_ids', ids: [input.store] },
      ],
      storeId: input.store,
      ...(store?.brandId ? { brandId: store.brandId } : {}),
      actor: input.actor,
    },
    deps.location,
    at,
  );
  await writeFile(`${path}.part`, `${issued.macaroon}\n`, { mode: 0o600 });
  await rename(`${path}.part`, path);
  return {
    path,
    accountId: account,
    digest: issued.digest,
    sessionId: issued.sessionId,
    expiresAt: expires.toISOString(),
  };
}

/** The token in a file, if an interrupted run of this export issued it for that account. */
async function issuedBefore(queries: Queries, path: string, accountId: string) {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === undefined) return undefined;
  const digest = tokenDigest(present);
  const row = await queries
    .selectFrom('Token')
    .select(['sessionId', 'expiresAt'])
    .where('digest', '=', digest)
    .where('accountId', '=', accountId)
    .executeTakeFirst();
  return row && { ...row, digest };
}

/** Revokes an admin token whose export failed, and removes its file; a repeat finds both done. */
export async function withdrawAdminToken(
  { path, sessionId }: ExportedToken,
  actor: string,
  { tokens, now }: ExportDeps,
): Promise<void> {
  await tokens.revoke({ sessionId, actor }, now());
  await rm(path, { force: true });
}

async function adminOf(queries: Queries, input: StoreExport): Promise<string> {
  const roles = await queries
    .selectFrom('StoreRole')
    .innerJoin('Account', 'Account.id', 'StoreRole.accountId')
    .select(['Account.id as id', 'Account.email as email', 'Account.username as username'])
    .where('StoreRole.storeId', '=', input.store)
    .where('StoreRole.role', '=', 'admin')
    .orderBy('StoreRole.id')
    .execute();
  const wanted = input.admin;
  const found =
    wanted === null ? roles[0] : roles.find((row) => [row.id, row.email, row.username].includes(wanted));
  if (found === undefined)
    throw new ExportError(
      'admin-unknown',
      wanted === null
        ? `cannot export store ${input.store}: it has no account with the role Admin`
        : `cannot export store ${input.store} for ${wanted}: that account does not have the role Admin there`,
    );
  return found.id;
}

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
      ...(input.snaps && snaps.length === 0 ? [noSnaps(input)] : []),
      ...own.warnings,
      ...(brought?.warnings ?? []),
      ...(await closureWarnings(queries, snaps)),
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

async function accountKeys(closer: AssertionCloser, ids: readonly string[]): Promise<readonly Assertion[]> {
  const found: Assertion[] = [];
  for (const id of ids) {
    const key = await closer.find({ type: 'account-key', primaryKey: [id] });
    if (key === undefined)
      throw new ExportError('key-unknown', `cannot export the account-key ${id}: it is not registered here`);
    found.push(key);
  }
  return found;
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
