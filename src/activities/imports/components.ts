import { join } from 'node:path';
import { hexToSnapSha3, text, type Assertion } from '../../assertions/index.ts';
import type { ManifestComponent, ManifestSnap } from '../../bundles/index.ts';
import type { ComponentYaml, SnapYaml } from '../../snaps/index.ts';
import { parseBlobDigest, type BlobStore } from '../../storage/index.ts';
import type { ImportChanges } from './changes.ts';
import type { ChannelMapRule, ContentRevision } from './content.ts';
import { ImportError } from './errors.ts';
import { readComponentMetadata } from '../snap-file.ts';

/** The components that go with a revision of a snap, as the archive describes them. */
function componentsWith({ snap, revision }: ContentRevision): readonly ManifestComponent[] {
  return (revision.components ?? []).flatMap((pair) =>
    (snap.components ?? []).filter(({ name, revision: own }) => name === pair.name && own === pair.revision),
  );
}

/**
 * Two assertions must speak of each component: the one of this very file, the other of its going with this revision.
 * @throws ImportError `snap-assertions-wrong`
 */
export function requireComponentAssertions(item: ContentRevision, assertions: readonly Assertion[]): void {
  const { snap, revision } = item;
  const about = (one: Assertion, type: string, component: ManifestComponent) =>
    one.type === type &&
    text(one, 'snap-id') === snap.snapId &&
    text(one, 'resource-name') === component.name &&
    text(one, 'resource-revision') === String(component.revision);
  for (const component of componentsWith(item)) {
    const sha3 = hexToSnapSha3(component.digest);
    const made = assertions.some(
      (one) =>
        about(one, 'snap-resource-revision', component) &&
        text(one, 'resource-sha3-384') === sha3 &&
        text(one, 'resource-size') === String(component.size),
    );
    const paired = assertions.some(
      (one) =>
        about(one, 'snap-resource-pair', component) &&
        text(one, 'snap-revision') === String(revision.revision),
    );
    if (made && paired) continue;
    throw new ImportError(
      'snap-assertions-wrong',
      `cannot accept ${component.member}: ${revision.assertions} holds no ${made ? 'snap-resource-pair for it and revision' : 'snap-resource-revision for this file beside revision'} ${revision.revision}`,
    );
  }
}

/**
 * Reads the component.yaml of each component of a revision, and compares it with the archive's metadata and the snap.
 * @throws ImportError `snap-file-wrong`, `file-changed`, SnapError
 */
export async function verifyComponents(
  folder: string,
  item: ContentRevision,
  snapYaml: SnapYaml,
  parts: FileParts,
): Promise<void> {
  for (const component of componentsWith(item)) {
    const yaml = await readStaged(folder, component, parts);
    const declared = snapYaml.components.find(({ name }) => name === component.name);
    const wrong =
      yaml.snap !== item.snap.name || yaml.name !== component.name
        ? 'component.yaml gives another name than'
        : `component/${yaml.type}` !== component.type
          ? 'component.yaml gives another type than'
          : yaml.version !== undefined && yaml.version !== component.version
            ? 'component.yaml gives another version than'
            : declared?.type !== yaml.type
              ? `snap's revision ${item.revision.revision} declares no such component beside`
              : undefined;
    if (wrong !== undefined)
      throw new ImportError(
        'snap-file-wrong',
        `cannot accept ${component.member}: its ${wrong} the archive's metadata`,
      );
  }
}

interface FileParts {
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
  readonly exists: (path: string) => Promise<boolean>;
}

/** The component.yaml of a file that came along, or of one that is stored already. */
async function readStaged(
  folder: string,
  component: ManifestComponent,
  parts: FileParts,
): Promise<ComponentYaml> {
  const staged = join(folder, component.digest);
  if (await parts.exists(staged)) return readComponentMetadata(staged, parts.signal);
  const blob = await parts.blobs.find(parseBlobDigest(component.digest));
  if (blob === undefined)
    throw new ImportError('file-changed', `cannot find ${component.member} any more: push the file again`);
  return parts.blobs.withFile(blob, (path) => readComponentMetadata(path, parts.signal));
}

/** The rows of a snap's components that are new, and what goes with which revision. */
export async function writeComponents(
  changes: ImportChanges,
  snap: ManifestSnap,
  rule: ChannelMapRule,
): Promise<void> {
  for (const component of snap.components ?? []) await writeComponent(changes, snap, component);
  for (const { revision, components } of snap.revisions)
    for (const pair of components ?? []) await writePair(changes, snap, revision, pair, rule);
}

async function writeComponent(
  changes: ImportChanges,
  snap: ManifestSnap,
  component: ManifestComponent,
): Promise<void> {
  const { queries, undo } = changes;
  const { name, type, revision, version, description, digest, size, createdAt } = component;
  const present = await queries
    .selectFrom('SnapResource')
    .select('id')
    .where('snapId', '=', snap.snapId)
    .where('name', '=', name)
    .where('revision', '=', revision)
    .executeTakeFirst();
  if (present !== undefined) return;
  const { snapId } = snap;
  const row = { snapId, name, type, revision, version, description, sha3_384: digest, size, createdAt };
  const added = await queries
    .insertInto('SnapResource')
    .values(row)
    .returning('id')
    .executeTakeFirstOrThrow();
  undo.componentsAdded.push(added.id);
  changes.note('new', 'revision', `${snap.name}+${name} ${revision}`, `${version}, ${size} bytes`);
}

async function writePair(
  changes: ImportChanges,
  snap: ManifestSnap,
  snapRevision: number,
  pair: { readonly name: string; readonly revision: number },
  rule: ChannelMapRule,
): Promise<void> {
  const { queries, undo } = changes;
  const place = { snapId: snap.snapId, snapRevision, resourceName: pair.name };
  const present = await queries
    .selectFrom('SnapResourcePair')
    .select(['id', 'resourceRevision'])
    .where((eb) => eb.and(place))
    .executeTakeFirst();
  if (present?.resourceRevision === pair.revision) return;
  if (present !== undefined && rule === 'newer' && present.resourceRevision > pair.revision) return;
  if (present === undefined) {
    const added = await queries
      .insertInto('SnapResourcePair')
      .values({ ...place, resourceRevision: pair.revision })
      .returning('id')
      .executeTakeFirstOrThrow();
    undo.pairsAdded.push(added.id);
  } else {
    await queries
      .updateTable('SnapResourcePair')
      .set({ resourceRevision: pair.revision })
      .where('id', '=', present.id)
      .execute();
    undo.pairsBefore.push({ id: present.id, resourceRevision: present.resourceRevision });
  }
  changes.note(
    present === undefined ? 'new' : 'updated',
    'revision',
    `${snap.name} ${snapRevision}`,
    `goes with ${snap.name}+${pair.name} ${pair.revision}`,
  );
}
