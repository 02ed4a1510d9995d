import { generateKeyPairSync } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { writeArchive, type ArchiveMaterial } from '../../../src/activities/exports/archive.ts';
import { manifestSigner, sha3Of } from '../../../src/bundles/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

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

const place = (folder: string, at = AT) => ({
  folder,
  nameAt: (time: string) => `some-snap-${time}.tar.gz`,
  at,
});

test('an archive that an interrupted run finished is not written again', async () => {
  const signer = await manifestSigner(generateKeyPairSync('ed25519').privateKey);
  const folder = await temporaryFolder();
  const first = await writeArchive(place(folder), material(given), signer, {});
  expect(first.path).toBe(join(folder, 'some-snap-20260203T040506.tar.gz'));
  const { ino } = await stat(first.path);
  expect(await writeArchive(place(folder), material(gone), signer, {})).toEqual(first);
  expect((await stat(first.path)).ino).toBe(ino);
});

test('another archive of the same second gets the name of the next, and finds itself there again', async () => {
  const signer = await manifestSigner(generateKeyPairSync('ed25519').privateKey);
  const folder = await temporaryFolder();
  const first = await writeArchive(place(folder), material(given), signer, {});
  const { ino } = await stat(first.path);
  const later = new Date(AT.getTime() + 500);
  const second = await writeArchive(place(folder, later), material(given, later), signer, {});
  expect(second.path).toBe(join(folder, 'some-snap-20260203T040507.tar.gz'));
  expect(second.digest).not.toBe(first.digest);
  expect((await stat(first.path)).ino).toBe(ino);
  expect(await writeArchive(place(folder, later), material(gone, later), signer, {})).toEqual(second);
});

test('an archive tells how far it is, in bytes of all its bytes', async () => {
  const signer = await manifestSigner(generateKeyPairSync('ed25519').privateKey);
  const seen: (readonly [number, number])[] = [];
  await writeArchive(place(await temporaryFolder()), material(given), signer, {
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
    place(folder),
    { ...large, snaps: [{ ...snap, revisions: [huge] }] },
    await manifestSigner(generateKeyPairSync('ed25519').privateKey),
    {},
  );
  await expect(written).rejects.toThrow(/^cannot continue: 419430\d MiB are needed in .* MiB are free/);
  expect(await readdir(folder)).toEqual([]);
});
