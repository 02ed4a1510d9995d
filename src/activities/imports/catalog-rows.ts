import { optionalText, text, type Assertion } from '../../assertions/index.ts';
import type { ManifestRevision, ManifestSnap } from '../../bundles/index.ts';
import { parseChannel, plainMedia } from '../../snaps/index.ts';
import { addAssertions } from '../../storage/index.ts';
import { releasedAnew, sameRow, type ImportChanges } from './changes.ts';
import type { ChannelMapRule } from './content.ts';

/** Keeps assertions that are new. */
export async function writeAssertions(
  changes: ImportChanges,
  assertions: readonly Assertion[],
): Promise<void> {
  const { queries, undo } = changes;
  const names = snapNames(assertions);
  for (const assertion of assertions) {
    if ((await addAssertions(queries, [assertion], { at: new Date(changes.at) })) === 0) continue;
    const { type, revision } = assertion;
    const primaryKey = assertion.primaryKey.join('/');
    undo.assertions.push({ type, primaryKey, revision });
    changes.note('new', 'assertion', `${type} ${nameOf(assertion, names)}`, `revision ${revision}`);
  }
}

function snapNames(assertions: readonly Assertion[]): ReadonlyMap<string, string> {
  const declarations = assertions.filter(({ type }) => type === 'snap-declaration');
  return new Map(declarations.map((one) => [text(one, 'snap-id'), text(one, 'snap-name')]));
}

/** What people call the subject of an assertion; its primary key where it has no name. */
function nameOf(assertion: Assertion, names: ReadonlyMap<string, string>): string {
  const key = assertion.primaryKey.join('/');
  switch (assertion.type) {
    case 'account':
      return optionalText(assertion, 'username') ?? key;
    case 'account-key':
      return `${text(assertion, 'account-id')}/${optionalText(assertion, 'name') ?? key}`;
    case 'snap-declaration':
      return text(assertion, 'snap-name');
    case 'snap-revision': {
      const name = names.get(text(assertion, 'snap-id'));
      return name === undefined ? key : `${name} ${text(assertion, 'snap-revision')}`;
    }
    default:
      return key;
  }
}

/** A snap's details: what holds for all its revisions. */
export async function writeSnap(changes: ImportChanges, snap: ManifestSnap): Promise<void> {
  const { queries, undo, at } = changes;
  const values = {
    storeId: snap.store,
    publisherId: snap.publisherId,
    private: snap.private,
    type: snap.type,
    title: snap.title,
    summary: snap.summary,
    description: snap.description,
    license: snap.license,
    contact: snap.contact,
    website: snap.website,
    links: { ...snap.links },
    media: plainMedia(snap.media),
    categories: [...snap.categories],
    defaultTrack: snap.defaultTrack,
  };
  const present = await queries
    .selectFrom('Snap')
    .selectAll()
    .where('snapId', '=', snap.snapId)
    .executeTakeFirst();
  if (present === undefined) {
    await queries
      .insertInto('Snap')
      .values({ snapId: snap.snapId, name: snap.name, ...values, createdAt: at, changedAt: at })
      .execute();
    undo.snapsAdded.push(snap.snapId);
    changes.note('new', 'snap', snap.name, `of store ${snap.store}`);
    return;
  }
  const { createdAt: _created, changedAt: _changed, snapId: _id, name: _name, ...old } = present;
  if (sameRow(old, values)) return;
  undo.snapsBefore.push(present);
  await queries
    .updateTable('Snap')
    .set({ ...values, changedAt: at })
    .where('snapId', '=', snap.snapId)
    .execute();
  changes.note('updated', 'snap', snap.name, 'details');
}

/** A revision that is not here yet; true when it was added. */
export async function writeRevision(
  changes: ImportChanges,
  snap: ManifestSnap,
  revision: ManifestRevision,
  snapYaml: string,
): Promise<boolean> {
  const { queries, undo } = changes;
  const present = await queries
    .selectFrom('SnapRevision')
    .select('id')
    .where('snapId', '=', snap.snapId)
    .where('revision', '=', revision.revision)
    .executeTakeFirst();
  if (present !== undefined) return false;
  const added = await queries
    .insertInto('SnapRevision')
    .values({
      snapId: snap.snapId,
      revision: revision.revision,
      sha3_384: revision.digest,
      size: revision.size,
      version: revision.version,
      type: revision.type,
      architectures: [...revision.architectures],
      base: revision.base,
      confinement: revision.confinement,
      grade: revision.grade,
      epoch: revision.epoch,
      snapYaml,
      provenance: revision.provenance,
      createdAt: revision.createdAt,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  undo.revisionsAdded.push(added.id);
  changes.note(
    'new',
    'revision',
    `${snap.name} ${revision.revision}`,
    `${revision.version}, ${revision.size} bytes`,
  );
  return true;
}

/**
 * The channel map of a snap: what differs is ended and begun anew, the rest stays. With `newer` a channel that got its
 * revision later than the archive says keeps it, with `where-different` one that holds the same since another time. True when
 * any channel holds something else than before: one that got the same once more is written, for its time of release, and did
 * not move.
 */
export async function writeChannels(
  changes: ImportChanges,
  snap: ManifestSnap,
  rule: ChannelMapRule,
): Promise<boolean> {
  const { queries, undo } = changes;
  let moved = false;
  for (const release of snap.channels) {
    const { track, risk, branch } = parseChannel(release.channel);
    const values = {
      revision: release.revision,
      percentage: release.percentage,
      progressiveKey: release.progressiveKey,
      paused: release.paused,
      expiresAt: release.expiresAt,
      releasedAt: release.releasedAt,
    };
    const place = {
      snapId: snap.snapId,
      track,
      risk,
      branch: branch ?? '',
      architecture: release.architecture,
    };
    const open = await queries
      .selectFrom('ChannelRelease')
      .select(['id', 'revision', 'percentage', 'progressiveKey', 'paused', 'expiresAt', 'releasedAt'])
      .where((eb) => eb.and(place))
      .where('endedAt', 'is', null)
      .execute();
    if (open.length === 1 && open.every(({ id: _id, ...old }) => sameRow(old, values))) continue;
    const { releasedAt: _at, ...holds } = values;
    const asBefore = open.some(({ id: _id, releasedAt: _before, ...held }) => sameRow(held, holds));
    if (rule === 'where-different' && asBefore && open.length === 1) continue;
    if (rule === 'newer' && open.some(({ releasedAt }) => releasedAt > release.releasedAt)) continue;
    await endReleases(
      changes,
      open.map(({ id }) => id),
    );
    const added = await queries
      .insertInto('ChannelRelease')
      .values({ ...place, ...values, endedAt: null })
      .returning('id')
      .executeTakeFirstOrThrow();
    undo.releasesAdded.push(added.id);
    moved ||= !asBefore;
    const held = release.revision === null ? 'closed' : `revision ${release.revision}`;
    changes.note(
      open.length === 0 ? 'new' : 'updated',
      'channel',
      `${snap.name} ${release.channel} ${release.architecture}`,
      asBefore && open.length === 1 ? releasedAnew(held, release.releasedAt) : held,
    );
  }
  return moved;
}

/** Closes every channel of a snap that its store no longer has. */
export async function withdrawSnap(changes: ImportChanges, snapId: string, name: string): Promise<void> {
  const open = await changes.queries
    .selectFrom('ChannelRelease')
    .select('id')
    .where('snapId', '=', snapId)
    .where('endedAt', 'is', null)
    .execute();
  if (open.length === 0) return;
  await endReleases(
    changes,
    open.map(({ id }) => id),
  );
  changes.note('removed', 'snap', name, 'no longer in its store: its channels are closed');
}

async function endReleases(changes: ImportChanges, ids: readonly number[]): Promise<void> {
  for (const id of ids) {
    await changes.queries
      .updateTable('ChannelRelease')
      .set({ endedAt: changes.at })
      .where('id', '=', id)
      .execute();
    changes.undo.releasesEnded.push(id);
  }
}
