/** Two exports of one store, the second newer, and ways to make of the second what an attacker would carry in. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { extract } from 'tar-stream';
import { encodeStream, hexToSnapSha3, signAssertion } from '../../src/assertions/index.ts';
import { exporterSigner } from '../../src/activities/exports/archive.ts';
import { createExportActivities } from '../../src/activities/exports.ts';
import {
  encodeManifest,
  encodeMetadataFile,
  sha3Of,
  type Manifest,
  type ManifestSigner,
} from '../../src/bundles/index.ts';
import { parseManifest } from '../../src/bundles/layouts.ts';
import { tarChecksum } from '../../src/bundles/tar-header.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { addAssertions } from '../../src/storage/index.ts';
import { raw, rawArchive, type RawMember } from '../bundles/sample.ts';
import type { ExportOutcome } from '../../src/workflows/export-contract.ts';
import { makeDevice, type AuthoritySnap, type FactoryDevice } from '../e2e/carried-authority.ts';
import type { BrandChain } from '../support/brand-chain.ts';
import { AT, Outside, openHost, snapIdOf } from '../workflows/hosts.ts';
import { storeExport } from '../workflows/carried-store.ts';

const SIGNED = '2025-01-01T00:00:00Z';

/** Names of members of the newer export that cases are about. */
export const MEMBERS = {
  newSnap: 'snaps/my-app_3.snap',
  newAssertions: 'snaps/my-app_3.assert',
  shared: 'assertions/store.assert',
} as const;

/** An export to be spoilt: what its manifest says, and what its members hold. */
export interface Draft {
  readonly manifest: Manifest;
  readonly contents: ReadonlyMap<string, Buffer>;
}

/** The outside world of a test: an authority, what it exported, and its exporting machine's key. */
export class CarriedExports {
  readonly device: FactoryDevice;
  readonly outside: Outside;
  readonly signer: ManifestSigner;
  readonly snaps: readonly AuthoritySnap[];
  /** Files: what is on the host from the start, and what is never carried in as it is. */
  readonly older: string;
  readonly newer: string;
  readonly draft: Draft;
  readonly #folder: string;
  #files = 0;

  private constructor(
    parts: Pick<CarriedExports, 'device' | 'outside' | 'signer' | 'snaps' | 'older' | 'newer' | 'draft'>,
    folder: string,
  ) {
    this.device = parts.device;
    this.outside = parts.outside;
    this.signer = parts.signer;
    this.snaps = parts.snaps;
    this.older = parts.older;
    this.newer = parts.newer;
    this.draft = parts.draft;
    this.#folder = folder;
  }

  /** Publishes the journey's snaps and exports the store; then a revision more, and exports it again. */
  static async make(folder: string): Promise<CarriedExports> {
    const outside = await Outside.on(await openHost(folder));
    const { host, chain } = outside;
    const device = await makeDevice(chain);
    const serialKey = await chain.accountKey(device.serials.publicKey, 'serials');
    await addAssertions(host.database.queries, [serialKey], { at: AT });
    await outside.publishJourney();
    const keys = [chain.modelKey.keyId, device.serials.publicKey.keyId];
    const older = await exported(outside, keys, '2026-03-01T00:00:00.000Z');
    await outside.publish(
      { name: 'my-app', version: '3', type: 'app', base: 'my-base', payload: 200_000 },
      { store: 'brand-main', private: true, revision: 3, channels: ['latest/stable'] },
    );
    const newer = await exported(outside, keys, '2026-03-02T00:00:00.000Z');
    const rows = await host.database.queries
      .selectFrom('SnapRevision')
      .innerJoin('Snap', 'Snap.snapId', 'SnapRevision.snapId')
      .select(['Snap.name as name', 'Snap.snapId as snapId', 'sha3_384 as digest', 'size'])
      // One of the brand's, which hostile archives are about, and one that none of its devices may have.
      .where('Snap.name', 'in', ['my-app', 'stranger'])
      .where('revision', '=', 1)
      .execute();
    const signer = await exporterSigner(host.settings, AT);
    const snaps = rows.map((row) => ({ ...row, size: Number(row.size) }));
    const draft = await draftOf(newer);
    return new CarriedExports({ device, outside, signer, snaps, older, newer, draft }, folder);
  }

  async close(): Promise<void> {
    await this.outside.host.database.close();
  }

  /** A new path for a file that is carried. */
  path(name = 'store-export.tar.gz'): string {
    this.#files += 1;
    return join(this.#folder, `${this.#files}-${name}`);
  }

  async file(bytes: Uint8Array | string, name?: string): Promise<string> {
    const path = this.path(name);
    await writeFile(path, bytes);
    return path;
  }

  /** The members of an archive of a draft, its manifest signed. */
  async members(draft: Draft = this.draft, signer: ManifestSigner = this.signer): Promise<RawMember[]> {
    const manifest = encodeManifest(draft.manifest);
    return [
      raw('manifest.json', manifest),
      raw('manifest.jws', Buffer.from(await signer.sign(manifest))),
      ...draft.manifest.members.map(({ name }) => raw(name, draft.contents.get(name) ?? Buffer.of())),
    ];
  }

  /** An archive whose members are changed, and whose manifest and signature are as they were. */
  async spoilt(change: (members: RawMember[]) => readonly RawMember[]): Promise<string> {
    const path = this.path();
    await rawArchive(path, change(await this.members()));
    return path;
  }

  /** An archive of what the exporter's key, or another, signed. */
  async signed(draft: Draft, signer: ManifestSigner = this.signer): Promise<string> {
    const path = this.path();
    await rawArchive(path, await this.members(draft, signer));
    return path;
  }

  /** No more than a manifest and its signature: what is refused by its head needs no members. */
  async head(manifest: Draft | string): Promise<string> {
    const bytes =
      typeof manifest === 'string' ? Buffer.from(manifest) : Buffer.from(encodeManifest(manifest.manifest));
    const path = this.path();
    await rawArchive(path, [
      raw('manifest.json', bytes),
      raw('manifest.jws', Buffer.from(await this.signer.sign(bytes))),
    ]);
    return path;
  }

  /** The manifest of the newer archive, its words changed as no encoder of ours would. */
  worded(change: (text: string) => string): Promise<string> {
    return this.head(change(Buffer.from(encodeManifest(this.draft.manifest)).toString()));
  }

  /** The metadata of the newer archive as a file of its own, with these members besides. */
  async metadata(more: readonly (readonly [string, string])[]): Promise<string> {
    const { manifest, contents } = this.draft;
    const members = manifest.members.filter(({ name }) => !name.startsWith('snaps/'));
    const texts = members.map(({ name }) => [name, contents.get(name)?.toString() ?? ''] as const);
    const metadata: Manifest = { ...manifest, kind: 'store-metadata', members, snaps: [], complete: false };
    const envelope = await encodeMetadataFile(metadata, new Map(texts), this.signer);
    const own = more.map(([name, text]) => `${JSON.stringify(name)}: ${JSON.stringify(text)}, `).join('');
    return this.file(envelope.replace('"members": {', `"members": { ${own}`), 'metadata.json');
  }

  /** The newer archive as a file whose bytes are changed. */
  async changed(change: (file: Buffer) => Uint8Array): Promise<string> {
    return this.file(change(await readFile(this.newer)));
  }

  /** The newer archive with its tar bytes changed and packed again. */
  async repacked(change: (tar: Buffer) => Uint8Array): Promise<string> {
    return this.changed((file) => gzipSync(change(gunzipSync(file)), { level: 1 }));
  }
}

/** A NAME.snap and its NAME.assert as "snap download" leaves them, of a root's own choice. */
export async function pairOf(
  carried: CarriedExports,
  root: BrandChain,
  said: { readonly revision: string; readonly bytes: Buffer; readonly about?: Buffer },
): Promise<string> {
  const signed = async (type: 'snap-declaration' | 'snap-revision', headers: Record<string, string>) => {
    const common = { 'authority-id': 'test-root', 'snap-id': snapIdOf('planted'), timestamp: SIGNED };
    return signAssertion({ type, headers: { ...common, ...headers } }, root.rootSigner, new Date(SIGNED));
  };
  const about = said.about ?? said.bytes;
  const declaration = { series: '16', 'snap-name': 'planted', 'publisher-id': 'my-brand' };
  const revision = {
    'snap-sha3-384': hexToSnapSha3(sha3Of(about)),
    'snap-size': String(about.byteLength),
    'snap-revision': said.revision,
    'developer-id': 'my-brand',
  };
  const [, rootKey] = root.roots;
  const path = await carried.file(said.bytes, 'planted.snap');
  const stream = [
    ...(rootKey ? [rootKey] : []),
    await signed('snap-declaration', declaration),
    await signed('snap-revision', revision),
  ];
  await writeFile(path.replace('.snap', '.assert'), encodeStream(stream));
  return path;
}

/** The draft with a manifest that says something else. */
export function saying(draft: Draft, over: Partial<Manifest>): Draft {
  return { ...draft, manifest: { ...draft.manifest, ...over } };
}

/** The draft with another content of one member, which the manifest gives as such. */
export function holding(draft: Draft, name: string, bytes: Buffer): Draft {
  const change = (member: Manifest['members'][number]) =>
    member.name === name ? { ...member, size: bytes.byteLength, digest: sha3Of(bytes) } : member;
  const snaps = draft.manifest.snaps.map((snap) => ({
    ...snap,
    revisions: snap.revisions.map((one) =>
      one.member === name ? { ...one, size: bytes.byteLength, digest: sha3Of(bytes) } : one,
    ),
  }));
  return {
    manifest: { ...draft.manifest, members: draft.manifest.members.map(change), snaps },
    contents: new Map([...draft.contents, [name, bytes]]),
  };
}

/** The draft with something else said of one of its snaps. */
export function sayingOf(
  draft: Draft,
  name: string,
  change: (snap: Manifest['snaps'][number]) => Manifest['snaps'][number],
): Draft {
  const snaps = draft.manifest.snaps.map((snap) => (snap.name === name ? change(snap) : snap));
  return saying(draft, { snaps });
}

/** A tar archive whose member of that name is of another type, and its header right in everything else. */
export function retyped(tar: Buffer, name: string, type: string): Buffer {
  const copy = Buffer.from(tar);
  const header = copy.subarray(copy.indexOf(`${name}\0`), copy.length).subarray(0, 512);
  header.write(type, 156, 'latin1');
  header.write(`${tarChecksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

async function exported(outside: Outside, keys: readonly string[], at: string): Promise<string> {
  const { host } = outside;
  const activities = createExportActivities({
    database: host.database,
    blobs: host.blobs,
    settings: host.settings,
    tokens: new TokenOffice({ database: host.database, settings: host.settings, random: randomBytes }),
    now: () => new Date(at),
    exportFolder: join(host.folder, 'exports'),
    location: 'authority.example',
  });
  const input = storeExport({ keys: [...keys], at });
  const worker = new MockActivityEnvironment();
  const token = await activities.issueExportToken(input, at);
  const written: Promise<ExportOutcome> = worker.run(activities.writeStoreExport, input, at, token);
  return (await written).files[0]?.path ?? '';
}

async function draftOf(path: string): Promise<Draft> {
  const contents = new Map<string, Buffer>();
  const reader = Readable.from([gunzipSync(await readFile(path))]).pipe(extract());
  for await (const entry of reader) contents.set(entry.header.name, await buffer(entry));
  const { manifest } = parseManifest(contents.get('manifest.json') ?? Buffer.of());
  return { manifest, contents };
}
