import { decodeAssertion, optionalText, text, type Assertion } from '../../assertions/index.ts';
import type { ManifestAdmin, ManifestStore } from '../../bundles/index.ts';
import { findAssertion } from '../../storage/index.ts';
import type { ImportChanges } from './changes.ts';
import type { ImportContent } from './content.ts';
import { describedSince, describesStores, pinOf } from './origin.ts';

/**
 * Accounts as their assertions describe them, so that publishers have names and admins can log in. An older assertion than the one
 * that is kept, or another one of the same revision, describes nothing.
 */
export async function writeAccounts(
  changes: ImportChanges,
  assertions: readonly Assertion[],
  admin: ManifestAdmin | null,
): Promise<void> {
  for (const { type, primaryKey } of assertions) {
    if (type !== 'account') continue;
    const kept = await findAssertion(changes.queries, type, primaryKey);
    if (kept !== undefined) await writeAccount(changes, described(decodeAssertion(kept.bytes)));
  }
  if (admin !== null)
    await writeAccount(changes, {
      id: admin.accountId,
      username: admin.username,
      displayName: admin.displayName,
      validation: null,
      email: admin.email,
    });
}

/** What is known of an account; null of what the source does not tell. */
interface AccountDetails {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly validation: string | null;
  readonly email: string | null;
}

function described(assertion: Assertion): AccountDetails {
  return {
    id: text(assertion, 'account-id'),
    username: optionalText(assertion, 'username') ?? text(assertion, 'account-id'),
    displayName: text(assertion, 'display-name'),
    validation: text(assertion, 'validation'),
    email: null,
  };
}

async function writeAccount(changes: ImportChanges, account: AccountDetails): Promise<void> {
  const present = await changes.queries
    .selectFrom('Account')
    .selectAll()
    .where('id', '=', account.id)
    .executeTakeFirst();
  const taken = await changes.queries
    .selectFrom('Account')
    .select('id')
    .where('username', '=', account.username)
    .where('id', '!=', account.id)
    .executeTakeFirst();
  const username = taken === undefined ? account.username : account.id;
  if (present === undefined) {
    const validation = account.validation ?? 'unproven';
    await changes.queries
      .insertInto('Account')
      .values({ ...account, username, validation, createdAt: changes.at })
      .execute();
    changes.undo.accountsAdded.push(account.id);
    changes.note('new', 'account', username, account.displayName);
    return;
  }
  const { id, displayName, validation, email } = present;
  const after = {
    displayName: account.displayName,
    validation: account.validation ?? validation,
    email: account.email ?? email,
  };
  if (after.displayName === displayName && after.validation === validation && after.email === email) return;
  changes.undo.accountsBefore.push({ id, displayName, validation, email, after });
  await changes.queries.updateTable('Account').set(after).where('id', '=', id).execute();
  const renewed = after.validation === validation ? '' : `, ${after.validation}`;
  changes.note('updated', 'account', username, `${account.displayName}${renewed}`);
}

/** The store's admin, known to the Model Service by the digest of the exported token (seed 001). */
export async function writeAdmin(
  changes: ImportChanges,
  admin: ManifestAdmin,
  storeId: string,
  brandId: string,
): Promise<void> {
  const role = await changes.queries
    .selectFrom('StoreRole')
    .select('id')
    .where('storeId', '=', storeId)
    .where('accountId', '=', admin.accountId)
    .where('role', '=', 'admin')
    .executeTakeFirst();
  if (role === undefined) {
    const added = await changes.queries
      .insertInto('StoreRole')
      .values({ storeId, accountId: admin.accountId, role: 'admin' })
      .returning('id')
      .executeTakeFirstOrThrow();
    changes.undo.rolesAdded.push(added.id);
    changes.note('new', 'admin', admin.username, `admin of store ${storeId}`);
  }
  const token = await changes.queries
    .selectFrom('Token')
    .select('sessionId')
    .where('sessionId', '=', admin.tokenId)
    .executeTakeFirst();
  if (token !== undefined) return;
  await changes.queries
    .insertInto('Token')
    .values({
      sessionId: admin.tokenId,
      kind: 'admin',
      accountId: admin.accountId,
      digest: admin.tokenDigest,
      storeId,
      brandId,
      description: `Admin token exported with store ${storeId}`,
      caveats: [],
      issuedAt: changes.at,
      expiresAt: admin.tokenExpiresAt,
      revokedAt: null,
      revokedBy: null,
      lastUsedAt: null,
    })
    .execute();
  changes.undo.tokensAdded.push(admin.tokenId);
  changes.note('new', 'admin', admin.username, 'admin token');
}

/** A store with its inclusion list and those that it is shared with, each replaced as a whole. */
export async function writeStore(changes: ImportChanges, store: ManifestStore): Promise<void> {
  const at = changes.at;
  const { id, name, kind, brandId } = store;
  const parentId = store.parent ?? null;
  const present = await changes.queries
    .selectFrom('Store')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (present === undefined) {
    await changes.queries
      .insertInto('Store')
      .values({ id, name, kind, brandId, parentId, createdAt: at, changedAt: at })
      .execute();
    changes.undo.storesAdded.push(id);
    changes.note('new', 'store', id, name);
    if (parentId !== null) changes.note('new', 'store', id, `sub-store of ${parentId}`);
  } else if (present.name !== name || present.kind !== kind || present.parentId !== parentId) {
    changes.undo.storesBefore.push(present);
    await changes.queries
      .updateTable('Store')
      .set({ name, kind, parentId, changedAt: at })
      .where('id', '=', id)
      .execute();
    const moved = parentId === null ? 'sub-store of none' : `sub-store of ${parentId}`;
    changes.note('updated', 'store', id, present.parentId === parentId ? name : moved);
  }
  await writeInclusions(changes, store);
  await writeShares(changes, store);
}

async function writeInclusions(changes: ImportChanges, store: ManifestStore): Promise<void> {
  const inclusions = await changes.queries
    .selectFrom('StoreInclusion')
    .select(['id', 'storeId', 'includedStoreId', 'allSnaps'])
    .where('storeId', '=', store.id)
    .execute();
  const included = await changes.queries
    .selectFrom('StoreInclusionSnap')
    .select(['id', 'storeId', 'includedStoreId', 'snapId', 'snapName'])
    .where('storeId', '=', store.id)
    .execute();
  const before = new Set([
    ...inclusions.filter(({ allSnaps }) => allSnaps).map(({ includedStoreId }) => `${includedStoreId}/*`),
    ...inclusions.filter(({ allSnaps }) => !allSnaps).map(({ includedStoreId }) => `${includedStoreId}/`),
    ...included.map(({ includedStoreId, snapId }) => `${includedStoreId}/${snapId}`),
  ]);
  const after = new Set(
    store.includes.flatMap(({ store: other, snaps }) =>
      snaps === null ? [`${other}/*`] : [`${other}/`, ...snaps.map(({ snapId }) => `${other}/${snapId}`)],
    ),
  );
  if (before.size === after.size && [...before].every((one) => after.has(one))) return;
  const words = inclusionWords(store, included);
  for (const one of after)
    if (!before.has(one)) changes.note('new', 'store', store.id, `includes ${words(one)}`);
  for (const one of before)
    if (!after.has(one)) changes.note('removed', 'store', store.id, `included ${words(one)}`);
  changes.undo.inclusionsOf.push(store.id);
  changes.undo.inclusionsBefore.push(...inclusions);
  changes.undo.includedSnapsBefore.push(...included);
  await changes.queries.deleteFrom('StoreInclusion').where('storeId', '=', store.id).execute();
  await changes.queries.deleteFrom('StoreInclusionSnap').where('storeId', '=', store.id).execute();
  for (const { store: includedStoreId, snaps } of store.includes) {
    await changes.queries
      .insertInto('StoreInclusion')
      .values({ storeId: store.id, includedStoreId, allSnaps: snaps === null })
      .execute();
    for (const { snapId, name } of snaps ?? [])
      await changes.queries
        .insertInto('StoreInclusionSnap')
        .values({ storeId: store.id, includedStoreId, snapId, snapName: name })
        .execute();
  }
}

/** What an inclusion, STORE/SNAP-ID, is to people: the snap by its name. */
function inclusionWords(
  store: ManifestStore,
  before: readonly { readonly snapId: string; readonly snapName: string }[],
): (inclusion: string) => string {
  const names = new Map(before.map(({ snapId, snapName }) => [snapId, snapName]));
  for (const { snaps } of store.includes) for (const { snapId, name } of snaps ?? []) names.set(snapId, name);
  return (inclusion) => {
    const [other = '', snapId = ''] = inclusion.split('/');
    if (snapId === '*') return `all of ${other}`;
    return snapId === '' ? `some of ${other}` : `${names.get(snapId) ?? snapId} of ${other}`;
  };
}

/** With whom a store is shared: a consent that is not in its owner's newest export is withdrawn. */
async function writeShares(
  changes: ImportChanges,
  { id: storeId, sharedWith = [] }: ManifestStore,
): Promise<void> {
  const before = await changes.queries
    .selectFrom('StoreShare')
    .select(['id', 'storeId', 'brandId'])
    .where('storeId', '=', storeId)
    .execute();
  const old = new Set(before.map(({ brandId }) => brandId));
  const now = new Set(sharedWith);
  const added = [...now].filter((brandId) => !old.has(brandId));
  const ended = [...old].filter((brandId) => !now.has(brandId));
  if (added.length === 0 && ended.length === 0) return;
  changes.undo.sharesOf.push(storeId);
  changes.undo.sharesBefore.push(...before);
  for (const brandId of added) changes.note('new', 'store', storeId, `shared with ${brandId}`);
  for (const brandId of ended) changes.note('removed', 'store', storeId, `no longer shared with ${brandId}`);
  await changes.queries.deleteFrom('StoreShare').where('storeId', '=', storeId).execute();
  for (const brandId of now)
    await changes.queries.insertInto('StoreShare').values({ storeId, brandId }).execute();
}

/** Pins the exporter's key, or notes that a newer export of it was accepted. */
export async function writeExporter(changes: ImportChanges, content: ImportContent): Promise<void> {
  if (content.exporter === null || content.exportedAt === null) return;
  const storeId = pinOf(content);
  const before = await changes.queries
    .selectFrom('PinnedExporter')
    .select(['fingerprint', 'publicKey', 'pinnedAt', 'newestExport'])
    .where('storeId', '=', storeId)
    .executeTakeFirst();
  const ordered = describesStores(content);
  const newest = [before?.newestExport ?? '', ordered ? content.exportedAt : ''].sort().at(-1) ?? '';
  const isSame = before?.fingerprint === content.exporter.fingerprint;
  // A pin from before anybody said whose store it is was judged anew, and counts from now.
  const counts = isSame && before.pinnedAt >= ((await describedSince(changes.queries, storeId)) ?? '');
  if (counts && before.newestExport === newest) return;
  if (!isSame || (!counts && !ordered))
    changes.note(
      before === undefined ? 'new' : 'updated',
      'exporter',
      storeId,
      `key ${content.exporter.fingerprint}`,
    );
  changes.undo.pin = { storeId, before: before ?? null };
  const row = {
    fingerprint: content.exporter.fingerprint,
    publicKey: { ...content.exporter.key },
    pinnedAt: counts ? before.pinnedAt : changes.at,
    newestExport: newest,
  };
  await changes.queries
    .insertInto('PinnedExporter')
    .values({ storeId, ...row })
    .onConflict((conflict) => conflict.column('storeId').doUpdateSet(row))
    .execute();
}
