import { generateKeyPairSync, createPrivateKey } from 'node:crypto';
import { encodeStream, type Assertion } from '../assertions/index.ts';
import {
  currentLayout,
  encodeMetadataFile,
  manifestSigner,
  sha3Of,
  writeBundle,
  type Manifest,
  type ManifestAdmin,
  type ManifestMember,
  type ManifestRevision,
  type ManifestSnap,
  type ManifestSigner,
  type ManifestStore,
  type StreamSource,
  type WriteOptions,
  type WrittenBundle,
} from '../bundles/index.ts';
import type { SettingStore } from '../storage/index.ts';

/** Under this name the exporting machine's private key is sealed. */
const EXPORTER_KEY_SETTING = 'exporter.private-key';

/** This machine's key for manifests, made at first use and sealed. Two processes at once get the same. */
export async function exporterSigner(settings: SettingStore, at: Date): Promise<ManifestSigner> {
  const make = () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return manifestSigner(createPrivateKey(await settings.secretOnce(EXPORTER_KEY_SETTING, make, at)));
}

/** A revision to export: what the manifest says of it, its file and its assertions. */
export interface RevisionMaterial extends StreamSource {
  readonly revision: Omit<ManifestRevision, 'member' | 'assertions'>;
  readonly assertions: readonly Assertion[];
}

/** A snap to export. */
export interface SnapMaterial {
  readonly snap: Omit<ManifestSnap, 'revisions'>;
  readonly revisions: readonly RevisionMaterial[];
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
}

/** Writes the archive at `path`. */
export async function writeArchive(
  path: string,
  material: ArchiveMaterial,
  signer: ManifestSigner,
  options: WriteOptions,
): Promise<WrittenBundle> {
  const { manifest, bytes, files } = manifestOf(material, signer.fingerprint);
  const source = ({ name }: ManifestMember) => bytes.get(name) ?? files.get(name) ?? missing(name);
  return writeBundle(path, { manifest, signer, source }, options);
}

function missing(name: string): never {
  throw new TypeError(`internal error: the member ${name} has no source`);
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
  const snaps = material.snaps.map(({ snap, revisions }) => ({
    ...snap,
    revisions: revisions.map(({ revision, assertions, ...source }) => {
      const member = currentLayout.snapMember(material.kind, snap.name, revision.revision);
      const assertionsMember = currentLayout.snapAssertionsMember(
        material.kind,
        snap.name,
        revision.revision,
      );
      files.set(member, source);
      members.push({ name: member, size: revision.size, digest: revision.digest });
      addStream(assertionsMember, assertions);
      return { ...revision, member, assertions: assertionsMember };
    }),
  }));
  const manifest: Manifest = {
    format: 'airlock-bundle',
    version: 1,
    kind: material.kind,
    createdAt: material.createdAt.toISOString(),
    exporter,
    store: material.store,
    complete: material.complete,
    members,
    snaps,
    stores: [...material.stores],
    admin: material.admin,
  };
  return { manifest, bytes, files };
}
