import { createReadStream } from 'node:fs';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  encodeMetadataFile,
  fileIdentity,
  readBundleHead,
  readMetadataFile,
  sha3Of,
  unpackBundle,
  writeBundle,
} from '../../src/bundles/index.ts';
import {
  fileOf,
  filesUnder,
  honestMembers,
  newSigner,
  rawArchive,
  sampleStore,
  scratch,
  streamOf,
} from './sample.ts';

test('what is written is read back, member by member, under its digest', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint, [0, 1, 511, 512, 513, 3_000_000]);
  const path = join(folder, 'a.tar.gz');
  const written = await writeBundle(path, {
    manifest,
    signer,
    source: ({ name }) => contents.get(name) ?? Buffer.of(),
  });
  const head = await unpackBundle(path, { folder: join(folder, 'staging') });
  expect(head).toMatchObject({ manifest, exporter: signer.fingerprint, digest: written.digest });
  for (const member of manifest.members)
    expect(sha3Of(await readFile(join(folder, 'staging', member.digest)))).toBe(member.digest);
  expect(await filesUnder(folder)).toEqual(
    ['a.tar.gz', 'staging', ...new Set(manifest.members.map(({ digest }) => `staging/${digest}`))].sort(),
  );
});

test('snaps are taken from files, and the same content makes the same archive', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint);
  const paths = new Map<string, string>();
  for (const [name, bytes] of contents) paths.set(name, await fileOf(bytes));
  const source = ({ name }: { name: string }) => ({
    open: async () => createReadStream(paths.get(name) ?? ''),
  });
  await writeBundle(join(folder, '1'), { manifest, signer, source });
  await writeBundle(join(folder, '2'), { manifest, signer, source });
  expect(sha3Of(await readFile(join(folder, '1')))).toBe(sha3Of(await readFile(join(folder, '2'))));
});

test('a stored snap that changed on the disk ends the export and leaves no archive', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint);
  const spoilt = await fileOf(Buffer.alloc(700_000, 7));
  const source = ({ name, size }: { name: string; size: number }) =>
    size === 700_000 ? { open: async () => createReadStream(spoilt) } : (contents.get(name) ?? Buffer.of());
  await expect(writeBundle(join(folder, 'a.tar.gz'), { manifest, signer, source })).rejects.toMatchObject({
    code: 'source-changed',
    member: 'snaps/snap-1_1.snap',
  });
  expect(await filesUnder(folder)).toEqual([]);
});

test('a member whose digest was made a moment ago is written without making it again', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint);
  const source = ({ name, size }: { name: string; size: number }) =>
    size === 700_000
      ? { ...streamOf(Buffer.alloc(700_000, 7)), verified: true }
      : (contents.get(name) ?? Buffer.of());
  const path = join(folder, 'a.tar.gz');
  await writeBundle(path, { manifest, signer, source });
  // Who said so was wrong: then whoever reads the archive finds out.
  await expect(unpackBundle(path, { folder: join(folder, 'staging') })).rejects.toMatchObject({
    code: 'member-digest-wrong',
    member: 'snaps/snap-1_1.snap',
  });
});

test('the head is read without unpacking anything', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint);
  const path = join(folder, 'a.tar.gz');
  await writeBundle(path, { manifest, signer, source: ({ name }) => contents.get(name) ?? Buffer.of() });
  await truncate(path, 20_000);
  expect((await readBundleHead(path)).manifest.store).toBe('brand-store');
});

describe('blobs that are stored already', () => {
  const haveSnaps = () => Promise.resolve(true);

  test('are passed over: what the archive holds in their place is neither looked at nor used', async () => {
    const folder = await scratch();
    const signer = await newSigner();
    const { manifest, contents } = sampleStore(signer.fingerprint, [3000, 200_000, 700_000]);
    const path = join(folder, 'a.tar.gz');
    const source = ({ name }: { name: string }) =>
      name.endsWith('.snap')
        ? streamOf(contents.get(name) ?? Buffer.of())
        : (contents.get(name) ?? Buffer.of());
    await writeBundle(path, { manifest, signer, source });
    const whole = await readFile(path);
    const inside =
      whole.indexOf(Buffer.from(contents.get('snaps/snap-2_1.snap') ?? []).subarray(0, 100)) + 50;
    // Block headers inside the snap are spoilt too: who reads it meets a damaged archive.
    await writeFile(
      path,
      Buffer.concat([whole.subarray(0, inside), Buffer.alloc(400_000), whole.subarray(inside + 400_000)]),
    );
    await expect(unpackBundle(path, { folder: join(folder, 'new') })).rejects.toMatchObject({
      code: 'bundle-not-an-archive',
      member: 'snaps/snap-2_1.snap',
    });
    const head = await unpackBundle(path, { folder: join(folder, 'staging'), have: haveSnaps });
    expect(head.manifest).toEqual(manifest);
    const others = manifest.members.filter(({ name }) => !name.endsWith('.snap'));
    expect(await filesUnder(join(folder, 'staging'))).toEqual(others.map(({ digest }) => digest).sort());
  });

  test('are passed over in an archive of any other program as well', async () => {
    const folder = await scratch();
    const signer = await newSigner();
    const sample = sampleStore(signer.fingerprint, [3000, 200_000]);
    const path = join(folder, 'a.tar.gz');
    await rawArchive(path, await honestMembers(signer, sample));
    for (const level of [0, 6]) {
      const again = await fileOf(gzipSync(gunzipSync(await readFile(path)), { level }));
      const staging = join(folder, `staging-${level}`);
      await unpackBundle(again, { folder: staging, have: haveSnaps });
      expect(await filesUnder(staging)).toHaveLength(4);
    }
  });

  test('are asked for by digest and size', async () => {
    const folder = await scratch();
    const signer = await newSigner();
    const sample = sampleStore(signer.fingerprint);
    const path = join(folder, 'a.tar.gz');
    await rawArchive(path, await honestMembers(signer, sample));
    const asked = new Map<string, number>();
    const have = (digest: string, size: number) => {
      asked.set(digest, size);
      return Promise.resolve(false);
    };
    await unpackBundle(path, { folder: join(folder, 'staging'), have });
    for (const { digest, size } of sample.manifest.members) expect(asked.get(digest)).toBe(size);
  });
});

test('an interrupted unpacking goes on with what it verified', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint, [4_000_000, 4_000_000]);
  const path = join(folder, 'a.tar.gz');
  await writeBundle(path, { manifest, signer, source: ({ name }) => contents.get(name) ?? Buffer.of() });
  const stop = new AbortController();
  const staging = join(folder, 'staging');
  await expect(
    unpackBundle(path, {
      folder: staging,
      signal: stop.signal,
      onProgress: (_, member) => {
        if (member === 'snaps/snap-1_1.snap') stop.abort();
      },
    }),
  ).rejects.toThrow();
  const first = join(staging, manifest.snaps[0]?.revisions[0]?.digest ?? '');
  const before = await stat(first, { bigint: true });
  await unpackBundle(path, { folder: staging });
  expect((await stat(first, { bigint: true })).ino).toBe(before.ino);
  expect((await filesUnder(staging)).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a file keeps its identity until it is written to', async () => {
  const path = await fileOf('one');
  const before = await fileIdentity(path);
  expect(await fileIdentity(path)).toBe(before);
  await writeFile(path, 'two');
  expect(await fileIdentity(path)).not.toBe(before);
});

test('store metadata travels as one signed file', async () => {
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint, []);
  const members = new Map([...contents].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
  const text = await encodeMetadataFile({ ...manifest, kind: 'store-metadata' }, members, signer);
  const read = await readMetadataFile(await fileOf(text));
  expect(read.head.exporter).toBe(signer.fingerprint);
  expect(read.members).toEqual(members);
  await expect(readMetadataFile(await fileOf(text.replace('Brand', 'Brent')))).rejects.toMatchObject({
    code: 'manifest-signature-invalid',
  });
  await expect(
    readMetadataFile(await fileOf(text.replace('type: store\\n', 'type: stare\\n'))),
  ).rejects.toMatchObject({
    code: 'member-digest-wrong',
    member: 'assertions/store.assert',
  });
});
