import type { ManifestSnap } from '../../bundles/index.ts';
import { channelName, isRisk, plainMedia } from '../../snaps/index.ts';
import { parseBlobDigest, type BlobStore, type Queries } from '../../storage/index.ts';
import type { AssertionCloser } from './assertions.ts';
import type { ComponentMaterial, FileSource, RevisionMaterial, SnapMaterial } from './archive.ts';
import { isInScope, type BasisScope, type KnownThere } from './basis.ts';
import { ExportError } from './errors.ts';

/** Which channels and architectures an export takes; all when empty. */
export interface Selection extends BasisScope {
  /** Revisions that are wanted whatever channel they are in, by number. */
  readonly revisions?: readonly number[];
}

/** Where an export reads. */
export interface CatalogParts {
  readonly queries: Queries;
  readonly blobs: BlobStore;
  readonly closer: AssertionCloser;
  /** What the other side has: those files are left out. */
  readonly known?: KnownThere | undefined;
}

/**
 * One snap as an archive holds it; undefined when nothing of it is in the chosen channels and architectures.
 * @throws ExportError `snap-unknown`, `assertion-missing`, `blob-missing`
 */
export async function snapMaterial(
  parts: CatalogParts,
  snapId: string,
  selection: Selection,
  withFiles: boolean,
): Promise<SnapMaterial | undefined> {
  const row = await parts.queries
    .selectFrom('Snap')
    .selectAll()
    .where('snapId', '=', snapId)
    .executeTakeFirst();
  if (row === undefined)
    throw new ExportError('snap-unknown', `cannot export snap ${snapId}: it is not here`);
  const channels = (await channelsOf(parts.queries, snapId)).filter((release) =>
    isChosen(release, selection),
  );
  const numbers = new Set([...channels.map(({ revision }) => revision), ...(selection.revisions ?? [])]);
  const revisions: RevisionMaterial[] = [];
  const components = new Map<string, ComponentMaterial>();
  for (const number of numbers) {
    if (number === null || !withFiles) continue;
    const own = await componentsOf(parts, row.name, snapId, number);
    for (const one of own) components.set(`${one.component.name} ${one.component.revision}`, one);
    revisions.push(await revisionMaterial(parts, { name: row.name, snapId, revision: number }, own));
  }
  if (channels.length === 0 && revisions.length === 0) return undefined;
  const {
    name,
    storeId: store,
    publisherId,
    type,
    title,
    summary,
    description,
    license,
    contact,
    website,
  } = row;
  return {
    snap: {
      snapId,
      name,
      store,
      private: Boolean(row.private),
      publisherId,
      type,
      title,
      summary,
      description,
      license,
      contact,
      website,
      links: row.links,
      media: plainMedia(row.media),
      categories: row.categories,
      defaultTrack: row.defaultTrack,
      channels,
    },
    revisions,
    components: [...components.values()],
  };
}

function isChosen(release: ManifestSnap['channels'][number], selection: Selection): boolean {
  if (selection.revisions !== undefined)
    return release.revision !== null && selection.revisions.includes(release.revision);
  return isInScope(release.channel, release.architecture, selection);
}

async function channelsOf(queries: Queries, snapId: string): Promise<ManifestSnap['channels']> {
  const rows = await queries
    .selectFrom('ChannelRelease')
    .selectAll()
    .where('snapId', '=', snapId)
    .where('endedAt', 'is', null)
    .orderBy('id')
    .execute();
  return rows.flatMap((row) =>
    isRisk(row.risk)
      ? [
          {
            channel: channelName({
              track: row.track,
              risk: row.risk,
              branch: row.branch === '' ? undefined : row.branch,
            }),
            architecture: row.architecture,
            revision: row.revision,
            releasedAt: row.releasedAt,
            percentage: row.percentage,
            progressiveKey: row.progressiveKey,
            paused: Boolean(row.paused),
            expiresAt: row.expiresAt,
          },
        ]
      : [],
  );
}

async function revisionMaterial(
  parts: CatalogParts,
  wanted: { readonly name: string; readonly snapId: string; readonly revision: number },
  components: readonly ComponentMaterial[],
): Promise<RevisionMaterial> {
  const { name, snapId, revision } = wanted;
  const row = await parts.queries
    .selectFrom('SnapRevision')
    .selectAll()
    .where('snapId', '=', snapId)
    .where('revision', '=', revision)
    .executeTakeFirst();
  if (row === undefined) throw unknownRevision(name, revision);
  const pairs = components.map(({ component }) => component);
  return {
    revision: {
      revision,
      version: row.version,
      digest: row.sha3_384,
      size: row.size,
      architectures: row.architectures,
      type: row.type,
      base: row.base,
      confinement:
        row.confinement === 'classic' ? 'classic' : row.confinement === 'devmode' ? 'devmode' : 'strict',
      grade: row.grade === 'devel' ? 'devel' : 'stable',
      provenance: row.provenance,
      epoch: row.epoch,
      createdAt: row.createdAt,
      ...(pairs.length > 0 && {
        components: pairs.map((component) => ({ name: component.name, revision: component.revision })),
      }),
    },
    ...(await sourceOf(parts, row.sha3_384, `${name} revision ${revision}`)),
    assertions: await parts.closer.ofSnapFile(
      snapId,
      row.sha3_384,
      pairs.map((component) => ({ ...component, snapRevision: revision })),
    ),
  };
}

/** There is no such revision here, or none for whoever asks. */
export function unknownRevision(name: string, revision: number): ExportError {
  return new ExportError('revision-unknown', `cannot export revision ${revision} of ${name}: it is not here`);
}

/** The components that go with a revision of a snap. */
async function componentsOf(
  parts: CatalogParts,
  snapName: string,
  snapId: string,
  snapRevision: number,
): Promise<readonly ComponentMaterial[]> {
  const rows = await parts.queries
    .selectFrom('SnapResourcePair')
    .innerJoin('SnapResource', (join) =>
      join
        .onRef('SnapResource.snapId', '=', 'SnapResourcePair.snapId')
        .onRef('SnapResource.name', '=', 'SnapResourcePair.resourceName')
        .onRef('SnapResource.revision', '=', 'SnapResourcePair.resourceRevision'),
    )
    .selectAll('SnapResource')
    .where('SnapResourcePair.snapId', '=', snapId)
    .where('SnapResourcePair.snapRevision', '=', snapRevision)
    .orderBy('SnapResource.name')
    .execute();
  const found: ComponentMaterial[] = [];
  for (const { name, type, revision, version, description, sha3_384: digest, size, createdAt } of rows)
    found.push({
      component: { name, type, revision, version, description, digest, size: Number(size), createdAt },
      ...(await sourceOf(parts, digest, `${snapName}+${name} revision ${revision}`)),
    });
  return found;
}

/** Where a file comes from; from nowhere when the other side has it. */
async function sourceOf(parts: CatalogParts, text: string, what: string): Promise<FileSource> {
  if (parts.known?.digests.has(text)) return { open: null };
  const blob = await parts.blobs.find(parseBlobDigest(text));
  if (blob === undefined)
    throw new ExportError('blob-missing', `cannot export ${what}: its file is missing from the store`);
  return {
    open: () => parts.blobs.open(blob, { aheadBytes: 2 ** 20 }),
    path: parts.blobs.pathOf?.(blob.digest),
  };
}
