import type { Assertion } from '../../assertions/index.ts';
import type { ImportedRevision } from '../../workflows/import-contract.ts';
import { writeAssertions, writeChannels, writeRevision, writeSnap, withdrawSnap } from './catalog-rows.ts';
import type { ImportChanges } from './changes.ts';
import { writeComponents } from './components.ts';
import type { ImportContent } from './content.ts';
import { checkParentOf } from './parents.ts';
import { writeAccounts, writeAdmin, writeExporter, writeStore } from './store-rows.ts';

/**
 * Every row of an import, in an order in which each finds what it needs.
 * @param claims what sub-stores are judged by: store assertions that come along
 */
export async function writeRows(
  changes: ImportChanges,
  content: ImportContent,
  assertions: readonly Assertion[],
  yamls: ReadonlyMap<string, string>,
  claims = assertions,
): Promise<ImportedRevision[]> {
  await writeAssertions(changes, assertions);
  await writeAccounts(changes, assertions, content.admin);
  for (const store of content.stores) {
    await checkParentOf(changes.queries, store, claims);
    await writeStore(changes, store);
  }
  const main = content.stores.find(({ id }) => id === content.store);
  if (content.admin !== null && main?.brandId)
    await writeAdmin(changes, content.admin, main.id, main.brandId);
  const snaps: ImportedRevision[] = [];
  for (const snap of content.snaps) {
    await writeSnap(changes, snap);
    const added = new Set<number>();
    for (const revision of snap.revisions)
      if (await writeRevision(changes, snap, revision, yamls.get(revision.digest) ?? ''))
        added.add(revision.revision);
    await writeComponents(changes, snap, content.channelMaps);
    const channelsMoved = await writeChannels(changes, snap, content.channelMaps);
    for (const { revision } of snap.revisions) {
      const channels = snap.channels.filter((release) => release.revision === revision);
      snaps.push({
        name: snap.name,
        revision,
        new: added.has(revision),
        channels: [...new Set(channels.map(({ channel }) => channel))],
        channelsMoved,
      });
    }
  }
  if (content.complete) await withdrawMissing(changes, content);
  await writeExporter(changes, content);
  return snaps;
}

async function withdrawMissing(changes: ImportChanges, content: ImportContent): Promise<void> {
  const own = content.stores.filter(({ kind }) => kind !== 'general').map(({ id }) => id);
  if (own.length === 0) return;
  const kept = new Set(content.snaps.map(({ snapId }) => snapId));
  const present = await changes.queries
    .selectFrom('Snap')
    .select(['snapId', 'name'])
    .where('storeId', 'in', own)
    .execute();
  for (const { snapId, name } of present) if (!kept.has(snapId)) await withdrawSnap(changes, snapId, name);
}
