import { generateKeyPairSync, createPrivateKey } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeStream, type Assertion } from '../../assertions/index.ts';
import { GENERAL_STORE } from '../../brands/index.ts';
import {
  BundleError,
  currentLayout,
  encodeManifest,
  encodeMetadataFile,
  fileNames,
  manifestSigner,
  readBundleHead,
  requireFreeBytes,
  sha3Of,
  writeBundle,
  versionFor,
  type Manifest,
  type ManifestAdmin,
  type ManifestComponent,
  type ManifestMember,
  type ManifestRest,
  type ManifestRevision,
  type ManifestSnap,
  type ManifestSigner,
  type ManifestStore,
  type StreamSource,
  type WrittenBundle,
} from '../../bundles/index.ts';
import type { SettingStore } from '../../storage/index.ts';
import type { LeftOut } from '../../workflows/export-contract.ts';
import { freePath, type FilePlace } from './free-path.ts';

/** Under this name the exporting machine's private key is sealed. */
const EXPORTER_KEY_SETTING = 'exporter.private-key';

/** This machine's key for manifests, made at first use and sealed. Two processes at once get the same. */
export async function exporterSigner(settings: SettingStore, at: Date): Promise<ManifestSigner> {
  const make = () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return manifestSigner(createPrivateKey(await settings.secretOnce(EXPORTER_KEY_SETTING, make, at)));
}

/** Where a file comes from; one that is there already and does not come along is not opened. */
export type FileSource = StreamSource | { readonly open: null };

/** A revision to export: what the manifest says of it, its file and its assertions. */
export type RevisionMaterial = FileSource & {
  readonly revision: Omit<ManifestRevision, 'member' | 'assertions'>;
  readonly assertions: readonly Assertion[];
};

/** A revision of a component to export; its assertions are with the revisions of the snap that it goes with. */
export type ComponentMaterial = FileSource & {
  readonly component: Omit<ManifestComponent, 'member'>;
};

/** A snap to export. */
export interface SnapMaterial {
  readonly snap: Omit<ManifestSnap, 'revisions' | 'components'>;
  readonly revisions: readonly RevisionMaterial[];
  readonly components?: readonly ComponentMaterial[];
}

/** What of these snaps does not come along. */
export function leftOutOf(snaps: readonly SnapMaterial[]): LeftOut {
  const sizes = snaps.flatMap(({ revisions, components = [] }) => [
    ...revisions.flatMap(({ open, revision }) => (open === null ? [revision.size] : [])),
    ...components.flatMap(({ open, component }) => (open === null ? [component.size] : [])),
  ]);
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Everything that goes into one archive. */
export interface ArchiveMaterial {
  readonly kind: Manifest['kind'];
  readonly store: string | null;
  readonly createdAt: Date;
  readonly complete: boolean;
  readonly stores: readonly ManifestStore[];
  readonly admin: ManifestAdmin | null;
  /** Streams of assertions that are about more than one snap, by member name. */
  readonly streams: ReadonlyMap<string, readonly Assertion[]>;
  readonly snaps: readonly SnapMaterial[];
  /** Snaps that devices may see, and that do not come along. */
  readonly awaits?: Manifest['awaits'];
  /** What those files that are left out are said to be there by. */
  readonly rest?: Omit<ManifestRest, 'members'> | undefined;
}

/** How to stop, and who wants to know how far the archive is: bytes of all bytes. */
export interface ArchiveOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytes: number, total: number) => void;
}

/** The bytes of all files that come along. */
export function bytesOf(snaps: readonly SnapMaterial[]): number {
  return snaps
    .flatMap(({ revisions, components = [] }) => [
      ...revisions.map(({ open, revision }) => (open === null ? 0 : revision.size)),
      ...components.map(({ open, component }) => (open === null ? 0 : component.size)),
    ])
    .reduce((sum, size) => sum + size, 0);
}

/**
 * Writes the archive where its name is free. One that an interrupted run of the same export finished there is not written again:
 * an archive has its name only once it is whole.
 * @throws BundleError `disk-full` before anything is written, when there is no room for it
 */
export async function writeArchive(
  place: FilePlace,
  material: ArchiveMaterial,
  signer: ManifestSigner,
  { signal, onProgress }: ArchiveOptions,
): Promise<WrittenBundle> {
  const { manifest, bytes, files } = manifestOf(material, signer.fingerprint);
  const digest = sha3Of(encodeManifest(manifest));
  const path = await freePath(place, async (one) => (await finishedArchive(one, digest)) !== undefined);
  const finished = await finishedArchive(path, digest);
  if (finished !== undefined) return finished;
  const total = manifest.members.reduce((sum, { size }) => sum + size, 0);
  await requireFreeBytes(dirname(path), total);
  const source = ({ name }: ManifestMember) => bytes.get(name) ?? files.get(name) ?? missing(name);
  return writeBundle(
    path,
    { manifest, signer, source },
    { ...(signal && { signal }), onProgress: (bytes) => onProgress?.(bytes, total) },
  );
}

async function finishedArchive(path: string, digest: string): Promise<WrittenBundle | undefined> {
  try {
    const found = await readBundleHead(path);
    return found.digest === digest ? { path, size: (await stat(path)).size, digest } : undefined;
  } catch (error) {
    if (error instanceof BundleError) return undefined;
    throw error;
  }
}

function missing(name: string): never {
  throw new TypeError(`internal error: the member ${name} has no source`);
}

/** Writes the archive of one snap alone, whose store is named where it is not the general one. See {@link writeArchive}. */
export function writeSnapArchive(
  { folder, at }: { readonly folder: string; readonly at: Date },
  material: SnapMaterial,
  rest: ArchiveMaterial['rest'],
  signer: ManifestSigner,
  options: ArchiveOptions,
): Promise<WrittenBundle> {
  const { name, store } = material.snap;
  return writeArchive(
    { folder, nameAt: (time) => fileNames.snapBundle(name, time), at },
    {
      kind: 'snap',
      store: store === GENERAL_STORE ? null : store,
      createdAt: at,
      complete: false,
      stores: [],
      admin: null,
      streams: new Map(),
      snaps: [material],
      rest,
    },
    signer,
    options,
  );
}

/** The text of a store metadata file. */
export async function metadataFileText(material: ArchiveMaterial, signer: ManifestSigner): Promise<string> {
  const { manifest, bytes } = manifestOf({ ...material, kind: 'store-metadata' }, signer.fingerprint);
  const members = new Map([...bytes].map(([name, content]) => [name, Buffer.from(content).toString('utf8')]));
  return encodeMetadataFile(manifest, members, signer);
}

function manifestOf(material: ArchiveMaterial, exporter: string) {
  const bytes = new Map<string, Uint8Array>();
  const files = new Map<string, StreamSource>();
  const members: ManifestMember[] = [];
  const addStream = (name: string, assertions: readonly Assertion[]) => {
    const content = encodeStream(assertions);
    bytes.set(name, content);
    members.push({ name, size: content.byteLength, digest: sha3Of(content) });
  };
  for (const [name, assertions] of material.streams) addStream(name, assertions);
  const leftOut: ManifestMember[] = [];
  const addFile = (
    name: string,
    source: FileSource,
    { size, digest }: { readonly size: number; readonly digest: string },
  ) => {
    if (source.open !== null) files.set(name, source);
    (source.open === null ? leftOut : members).push({ name, size, digest });
  };
  const { kind } = material;
  const snaps = material.snaps.map(({ snap, revisions, components = [] }) => ({
    ...snap,
    revisions: revisions.map(({ revision, assertions, ...source }) => {
      const member = currentLayout.snapMember(kind, snap.name, revision.revision);
      const assertionsMember = currentLayout.snapAssertionsMember(kind, snap.name, revision.revision);
      addFile(member, source, revision);
      addStream(assertionsMember, assertions);
      return { ...revision, member, assertions: assertionsMember };
    }),
    ...(components.length > 0 && {
      components: components.map(({ component, ...source }) => {
        const { name, revision } = component;
        const member = currentLayout.componentMember(kind, snap.name, name, revision);
        addFile(member, source, component);
        return { ...component, member };
      }),
    }),
  }));
  if (leftOut.length > 0 && material.rest === undefined)
    throw new TypeError('internal error: files are left out of an archive that rests on nothing');
  const restsOn = material.rest && leftOut.length > 0 ? { ...material.rest, members: leftOut } : undefined;
  const awaits = material.awaits?.length ? material.awaits : undefined;
  const manifest: Manifest = {
    format: 'airlock-bundle',
    version: versionFor({ restsOn, snaps, stores: [...material.stores], awaits }),
    kind,
    createdAt: material.createdAt.toISOString(),
    exporter,
    store: material.store,
    complete: material.complete,
    members,
    snaps,
    stores: [...material.stores],
    admin: material.admin,
    ...(awaits && { awaits }),
    ...(restsOn && { restsOn }),
  };
  return { manifest, bytes, files };
}
