import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { digestOfFile, openFileBlobStore, parseBlobDigest } from '../../src/storage/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function storeWithFile(content: string) {
  const folder = await temporaryFolder();
  const store = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  const file = join(store.stagingFolder, 'incoming');
  await writeFile(file, content);
  return {
    folder,
    store,
    file,
    digest: parseBlobDigest(createHash('sha3-384').update(content).digest('hex')),
  };
}

describe('the blob store', () => {
  it('takes a file over under its digest and gives it back, whole or in part', async () => {
    const { store, file, digest } = await storeWithFile('hello blob');
    const blob = await store.adopt(file, digest);
    expect(blob.size).toBe(10);
    expect((await buffer(store.read(blob))).toString()).toBe('hello blob');
    expect((await buffer(store.read(blob, { start: 6, end: 8 }))).toString()).toBe('blo');
    expect(await readdir(store.stagingFolder)).toEqual([]);
  });

  it('keeps the same bytes once', async () => {
    const { store, file, digest } = await storeWithFile('twice');
    const first = await store.adopt(file, digest);
    await writeFile(file, 'twice');
    expect(await store.adopt(file, digest)).toEqual(first);
    expect(await readdir(store.stagingFolder)).toEqual([]);
    const all = [];
    for await (const blob of store.list()) all.push(blob.digest);
    expect(all).toEqual([digest]);
  });

  it('does not know what was never put in or was removed', async () => {
    const { store, file, digest } = await storeWithFile('gone');
    expect(await store.find(digest)).toBeUndefined();
    await store.adopt(file, digest);
    await store.remove(digest);
    await store.remove(digest);
    expect(await store.find(digest)).toBeUndefined();
  });

  it.each(['', 'ab', '../../etc/passwd', 'A'.repeat(96), `${'a'.repeat(95)}/`])(
    'refuses %j as a digest',
    (text) => {
      expect(() => parseBlobDigest(text)).toThrow(expect.objectContaining({ code: 'blob-digest-malformed' }));
    },
  );

  it('computes a digest as node:crypto does over the whole file', async () => {
    const { file, digest } = await storeWithFile('x'.repeat(3_000_000));
    expect(await digestOfFile(file)).toEqual({ digest, size: 3_000_000 });
    expect((await readFile(file)).length).toBe(3_000_000);
  });
});
