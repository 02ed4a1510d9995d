import { generateKeyPairSync } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { writeArchive, type ArchiveMaterial } from '../../src/activities/export-archive.ts';
import { manifestSigner, sha3Of } from '../../src/bundles/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const BYTES = Buffer.from('a snap, as far as an archive cares');
const AT = new Date('2026-02-03T04:05:06.000Z');

function material(open: () => Promise<Readable>, createdAt = AT): ArchiveMaterial {
  const texts = { title: 'x', summary: 'x', description: '', license: null, contact: null, website: null };
  return {
    kind: 'snap',
    store: null,
    createdAt,
    complete: false,
    stores: [],
    admin: null,
    streams: new Map(),
    snaps: [
      {
        snap: {
          ...texts,
          snapId: 'x'.repeat(32),
          name: 'some-snap',
          store: 'ubuntu',
          private: false,
          publisherId: 'someone',
          type: 'app',
          links: {},
          media: [],
          categories: [],
          defaultTrack: null,
          channels: [],
        },
        revisions: [
          {
            revision: {
              revision: 1,
              version: '1',
              digest: sha3Of(BYTES),
              size: BYTES.byteLength,
              architectures: ['amd64'],
              type: 'app',
              base: null,
              confinement: 'strict',
              grade: 'stable',
              provenance: 'global-upload',
              epoch: { read: [0], write: [0] },
              createdAt: AT.toISOString(),
            },
            open,
            assertions: [],
          },
        ],
      },
    ],
  };
}

const given = () => Promise.resolve(Readable.from([BYTES]));
const gone = () => Promise.reject(new Error('nobody should ask for the file again'));

test('an archive that an interrupted run finished is not written again; another one of its name is', async () => {
  const signer = await manifestSigner(generateKeyPairSync('ed25519').privateKey);
  const path = join(await temporaryFolder(), 'some-snap.tar.gz');
  const first = await writeArchive(path, material(given), signer, {});
  const { ino } = await stat(path);
  expect(await writeArchive(path, material(gone), signer, {})).toEqual(first);
  expect((await stat(path)).ino).toBe(ino);

  const later = new Date(AT.getTime() + 1000);
  await expect(writeArchive(path, material(gone, later), signer, {})).rejects.toThrow('nobody should ask');
  expect((await writeArchive(path, material(given, later), signer, {})).digest).not.toBe(first.digest);
});

test('an archive tells how far it is, in bytes of all its bytes', async () => {
  const signer = await manifestSigner(generateKeyPairSync('ed25519').privateKey);
  const seen: (readonly [number, number])[] = [];
  await writeArchive(join(await temporaryFolder(), 'some-snap.tar.gz'), material(given), signer, {
    onProgress: (bytes, total) => seen.push([bytes, total]),
  });
  const [bytes, total] = seen.at(-1) ?? [];
  expect(total).toBeGreaterThanOrEqual(BYTES.byteLength);
  expect(bytes).toBe(total);
});

test('what the disk has no room for is refused before a byte is written', async () => {
  const folder = await temporaryFolder();
  const large = material(() => Promise.reject(new Error('nobody should read it')));
  const [snap] = large.snaps;
  const [revision] = snap?.revisions ?? [];
  if (!snap || !revision) throw new Error('there is one');
  const huge = { ...revision, revision: { ...revision.revision, size: 2 ** 42 } };
  const written = writeArchive(
    join(folder, 'huge.tar.gz'),
    { ...large, snaps: [{ ...snap, revisions: [huge] }] },
    await manifestSigner(generateKeyPairSync('ed25519').privateKey),
    {},
  );
  await expect(written).rejects.toThrow(/^cannot continue: 419430\d MiB are needed in .* MiB are free/);
  expect(await readdir(folder)).toEqual([]);
});
