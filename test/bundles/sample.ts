import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { afterEach } from 'vitest';
import {
  currentLayout,
  encodeManifest,
  manifestSigner,
  sha3Of,
  type Manifest,
  type ManifestSigner,
  type StreamSource,
} from '../../src/bundles/index.ts';

/** A folder for one test, removed after it. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-bundles-'));
  folders.push(folder);
  return folder;
}
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

export const newSigner = (): Promise<ManifestSigner> =>
  manifestSigner(generateKeyPairSync('ed25519').privateKey);

/** A store export with so many snaps of random bytes, and what its members hold. */
export function sampleStore(exporter: string, sizes: readonly number[] = [3000, 700_000]) {
  const contents = new Map<string, Uint8Array>();
  const add = (name: string, bytes: Uint8Array) => {
    contents.set(name, bytes);
    return { name, size: bytes.byteLength, digest: sha3Of(bytes) };
  };
  const members = [
    add('assertions/store.assert', Buffer.from('type: store\n')),
    add('keys/account-keys.assert', Buffer.from('type: account-key\n')),
  ];
  const at = '2026-01-02T03:04:05.000Z';
  const snaps = sizes.map((size, index) => {
    const name = `snap-${index}`;
    const file = add(currentLayout.snapMember('store', name, 1), randomBytes(size));
    const assertions = add(
      currentLayout.snapAssertionsMember('store', name, 1),
      Buffer.from(`type: snap-revision\nsnap: ${name}\n`),
    );
    members.push(file, assertions);
    return {
      snapId: `snapid${index}`.padEnd(32, 'x'),
      name,
      store: 'brand-store',
      private: true,
      publisherId: 'my-brand',
      type: 'app',
      title: name,
      summary: 'A snap.',
      description: '',
      license: null,
      contact: null,
      website: null,
      links: {},
      media: [],
      categories: [],
      defaultTrack: null,
      revisions: [
        {
          revision: 1,
          version: '1.0',
          digest: file.digest,
          size,
          architectures: ['amd64'],
          type: 'app',
          base: null,
          confinement: 'strict' as const,
          grade: 'stable' as const,
          provenance: 'global-upload',
          epoch: { read: [0], write: [0] },
          createdAt: at,
          member: file.name,
          assertions: assertions.name,
        },
      ],
      channels: [
        {
          channel: 'latest/stable',
          architecture: 'amd64',
          revision: 1,
          releasedAt: at,
          percentage: null,
          progressiveKey: null,
          paused: false,
          expiresAt: null,
        },
      ],
    };
  });
  const manifest: Manifest = {
    format: 'airlock-bundle',
    version: 1,
    kind: 'store',
    createdAt: at,
    exporter,
    store: 'brand-store',
    complete: true,
    members,
    snaps,
    stores: [{ id: 'brand-store', name: 'Brand', kind: 'device-view', brandId: 'my-brand', includes: [] }],
    admin: null,
  };
  return { manifest, contents };
}

/** One member of a hand-made archive: any header a tar can have, whatever our own writer would do. */
export type RawMember = { readonly header: Partial<Header> & { name: string }; readonly bytes?: Uint8Array };

/** The members that an honest export would have, to be spoilt by a test. */
export async function honestMembers(
  signer: ManifestSigner,
  sample = sampleStore(signer.fingerprint),
): Promise<RawMember[]> {
  const manifest = encodeManifest(sample.manifest);
  return [
    raw('manifest.json', manifest),
    raw('manifest.jws', Buffer.from(await signer.sign(manifest))),
    ...sample.manifest.members.map(({ name }) => raw(name, sample.contents.get(name) ?? new Uint8Array())),
  ];
}

export const raw = (name: string, bytes: Uint8Array): RawMember => ({ header: { name }, bytes });

/** Writes members as they are, without any check. */
export async function rawArchive(path: string, members: readonly RawMember[]): Promise<void> {
  const archive = pack();
  const flow = pipeline(archive, createGzip({ level: 1 }), createWriteStream(path));
  for (const { header, bytes } of members)
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      if (bytes === undefined) archive.entry(header, done).end(undefined);
      else archive.entry({ ...header, size: bytes.byteLength }, Buffer.from(bytes), done);
    });
  archive.finalize();
  await flow;
}

/** Every file below a folder, for the promise that nothing is left. */
export async function filesUnder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { recursive: true })).sort();
  } catch {
    return [];
  }
}

/** Bytes as a source of a member, in chunks of a size that fits nothing. */
export const streamOf = (bytes: Uint8Array): StreamSource => ({
  open: () => Promise.resolve(Readable.from(piecesOf(bytes, 9973))),
});

function* piecesOf(bytes: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** Puts bytes into a new file and returns its path. */
export async function fileOf(bytes: Uint8Array | string, name = 'file'): Promise<string> {
  const path = join(await scratch(), name);
  await writeFile(path, bytes);
  return path;
}
