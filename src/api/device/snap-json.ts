import type { CatalogFile, CatalogRevision, CatalogSnap } from './catalog-snap.ts';
import { parseSnapYaml } from '../../snaps/index.ts';

/**
 * The fields of a snap that clients may ask for (protocol/devices.md 3.2). What we do not know is left out, and so is
 * what a client asks for that is not listed here.
 */
const FIELDS = [
  'architectures',
  'base',
  'categories',
  'channel',
  'common-ids',
  'confinement',
  'contact',
  'created-at',
  'description',
  'download',
  'epoch',
  'integrity',
  'license',
  'links',
  'media',
  'name',
  'prices',
  'private',
  'publisher',
  'resources',
  'revision',
  'snap-id',
  'snap-yaml',
  'store-url',
  'summary',
  'title',
  'type',
  'version',
  'website',
] as const;

/** One of the fields of a snap. */
export type SnapField = (typeof FIELDS)[number];

/** What a client gets that does not say what it wants. */
const ALL_FIELDS: readonly SnapField[] = FIELDS.filter((field) => field !== 'channel');

/** The known ones among the names that a client asks for, in our order; all when it asks for none. */
export function knownFields(names: readonly string[]): readonly SnapField[] {
  if (names.length === 0) return ALL_FIELDS;
  const wanted = new Set(names);
  return FIELDS.filter((field) => wanted.has(field));
}

/** Stands for the address of this host inside rendered text: no JSON text of ours holds it otherwise. */
const HERE = '\u0000here';
const HERE_ESCAPED = JSON.stringify(HERE).slice(1, -1);

/** JSON text with the places left open where this host's address goes, so that it can be kept for all addresses. */
export class JsonTemplate {
  readonly #pieces: readonly string[];
  #last: { readonly base: string; readonly bytes: Uint8Array } | undefined;

  constructor(value: unknown) {
    this.#pieces = JSON.stringify(value).split(HERE_ESCAPED);
  }

  /** The text with links that begin with `base`. */
  render(base: string): string {
    return this.#pieces.join(base);
  }

  /** The same as UTF-8. The last one is kept: nearly all devices know this host by one address. */
  bytes(base: string): Uint8Array {
    if (this.#last?.base !== base) this.#last = { base, bytes: Buffer.from(this.render(base)) };
    return this.#last.bytes;
  }
}

/** Where things are, below the address of this host. One place, so that links and routes cannot differ. */
const PATHS = {
  snapFile: (snapId: string, revision: number) => `/api/v1/snaps/download/${snapId}_${revision}.snap`,
  deltaFile: (snapId: string, source: number, target: number, format: string) =>
    `/api/v1/snaps/download/${snapId}_${source}_${target}_${format}.delta`,
  componentFile: (snapId: string, name: string, revision: number) =>
    `/api/v1/snaps/download/${snapId}+${name}_${revision}.comp`,
  icon: (snapId: string, digest: string, seal: string) =>
    `/api/v1/snaps/icons/${snapId}_${digest}_${seal}.icon`,
} as const;

/** Makes the last part of an icon's address, which only those learn who may know of the snap. */
export type IconSeal = (snapId: string, digest: string) => string;

/** Options of one rendering. */
export interface Rendering {
  readonly fields: readonly SnapField[];
  /** The revision on the device, when the client takes deltas from it. */
  readonly deltaFrom: number | undefined;
  readonly iconSeal: IconSeal;
}

/** The object that a refresh result holds as `snap`, and channel-map entries and search results parts of. */
export function snapObject(
  snap: CatalogSnap,
  revision: CatalogRevision,
  rendering: Rendering,
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of rendering.fields) {
    const value = fieldOf(field, snap, revision, rendering);
    if (value !== undefined) object[field] = value;
  }
  return object;
}

function fieldOf(
  field: SnapField,
  snap: CatalogSnap,
  revision: CatalogRevision,
  rendering: Rendering,
): unknown {
  switch (field) {
    case 'architectures':
      return revision.architectures;
    case 'base':
      return revision.base;
    case 'categories':
      return snap.categories;
    case 'channel':
    case 'integrity':
      return undefined;
    case 'common-ids':
      return commonIdsOf(revision);
    case 'confinement':
      return revision.confinement;
    case 'contact':
      return snap.contact;
    case 'created-at':
      return revision.createdAt;
    case 'description':
      return snap.description;
    case 'download':
      return downloadOf(snap, revision, rendering.deltaFrom);
    case 'epoch':
      return revision.epoch;
    case 'license':
      return snap.license;
    case 'links':
      return snap.links;
    case 'media':
      return mediaOf(snap, rendering.iconSeal);
    case 'name':
      return snap.name;
    case 'prices':
      return {};
    case 'private':
      return snap.private;
    case 'publisher':
      return snap.publisher;
    case 'resources':
      return revision.components.map((component) => ({
        name: component.name,
        type: component.type,
        revision: component.revision,
        version: component.version,
        description: component.description,
        'created-at': component.createdAt,
        download: fileOf(component, PATHS.componentFile(snap.snapId, component.name, component.revision)),
      }));
    case 'revision':
      return revision.revision;
    case 'snap-id':
      return snap.snapId;
    case 'snap-yaml':
      return revision.snapYaml;
    case 'store-url':
      return '';
    case 'summary':
      return snap.summary;
    case 'title':
      return snap.title;
    case 'type':
      // snapd's own name for what old snap.yaml files call core.
      return revision.type === 'core' ? 'os' : revision.type;
    case 'version':
      return revision.version;
    case 'website':
      return snap.website;
    default:
      return field satisfies never;
  }
}

function downloadOf(snap: CatalogSnap, revision: CatalogRevision, deltaFrom: number | undefined): unknown {
  const deltas = revision.deltas.filter((delta) => delta.source === deltaFrom);
  return {
    ...fileOf(revision, PATHS.snapFile(snap.snapId, revision.revision)),
    deltas: deltas.map((delta) => ({
      format: delta.format,
      source: delta.source,
      target: revision.revision,
      ...fileOf(delta, PATHS.deltaFile(snap.snapId, delta.source, revision.revision, delta.format)),
    })),
  };
}

function fileOf(file: CatalogFile, path: string): Record<string, unknown> {
  return { 'sha3-384': file.digest, size: file.size, url: `${HERE}${path}` };
}

function mediaOf(snap: CatalogSnap, seal: IconSeal): unknown[] {
  const { icon, snapId } = snap;
  if (icon === undefined) return [];
  const url = `${HERE}${PATHS.icon(snapId, icon.digest, seal(snapId, icon.digest))}`;
  return [{ type: 'icon', url, width: icon.width ?? 512, height: icon.height ?? 512 }];
}

function commonIdsOf(revision: CatalogRevision): readonly string[] {
  // Most snaps have none: reading their YAML for that would be waste.
  if (!revision.snapYaml.includes('common-id')) return [];
  try {
    return parseSnapYaml(revision.snapYaml).commonIds;
  } catch {
    return [];
  }
}
