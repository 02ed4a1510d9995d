import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import {
  digestOfFile,
  parseBlobDigest,
  type BlobDigest,
  type BlobPart,
  type BlobStore,
  type StoredBlob,
} from '../../src/storage/index.ts';

/** Writes bytes into the staging folder, as whoever brings a blob does. */
export async function stage(
  store: BlobStore,
  content: string | Uint8Array,
): Promise<{ file: string; digest: BlobDigest }> {
  const digest = parseBlobDigest(createHash('sha3-384').update(content).digest('hex'));
  const file = join(store.stagingFolder, `incoming-${digest.slice(0, 8)}`);
  await writeFile(file, content);
  return { file, digest };
}

/** Puts bytes into a store. */
export async function put(store: BlobStore, content: string | Uint8Array): Promise<StoredBlob> {
  const { file, digest } = await stage(store, content);
  return store.adopt(file, digest);
}

/** What every blob store keeps to, wherever the bytes lie. `open` gives an empty one for each test. */
export function specifyBlobStore(open: () => Promise<BlobStore>): void {
  describe('a blob store', () => {
    it('takes a file over under its digest and gives it back, whole or in part', async () => {
      const store = await open();
      const blob = await put(store, 'hello blob');
      expect(blob.size).toBe(10);
      expect((await buffer(await store.open(blob))).toString()).toBe('hello blob');
      expect((await buffer(await store.open(blob, { start: 6, end: 8 }))).toString()).toBe('blo');
      expect((await buffer(await store.open(blob, { start: 6 }))).toString()).toBe('blob');
      expect((await buffer(await store.open(blob, { start: 9, end: 9 }))).toString()).toBe('b');
      expect(await readdir(store.stagingFolder)).toEqual([]);
    });

    it('sends a blob on, whole or in part', async () => {
      const store = await open();
      const blob = await put(store, 'hello blob');
      const sent = async (part?: BlobPart) => {
        const to = new PassThrough();
        const [bytes] = await Promise.all([buffer(to), (await store.sender(blob, part))(to)]);
        return bytes.toString();
      };
      expect(await sent()).toBe('hello blob');
      expect(await sent({ start: 6, end: 8 })).toBe('blo');
      expect(await sent({ start: 6 })).toBe('blob');
      await store.remove(blob.digest);
      await expect(store.sender(blob)).rejects.toThrow();
    });

    it('keeps an empty file', async () => {
      const store = await open();
      const blob = await put(store, '');
      expect(await store.find(blob.digest)).toMatchObject({ size: 0 });
      expect(await buffer(await store.open(blob))).toHaveLength(0);
    });

    it('keeps the same bytes once', async () => {
      const store = await open();
      const first = await put(store, 'twice');
      const second = await put(store, 'twice');
      expect(second).toEqual(first);
      expect(await readdir(store.stagingFolder)).toEqual([]);
      expect(await digestsIn(store)).toEqual([first.digest]);
    });

    it('keeps what two bring at once', async () => {
      const store = await open();
      const content = randomBytes(300_000);
      const { file, digest } = await stage(store, content);
      const other = `${file}-other`;
      await writeFile(other, content);
      await Promise.all([store.adopt(file, digest), store.adopt(other, digest)]);
      expect((await store.find(digest))?.size).toBe(300_000);
      expect(await readdir(store.stagingFolder)).toEqual([]);
    });

    it('does not know what was never put in or was removed', async () => {
      const store = await open();
      const { digest } = await stage(store, 'gone');
      expect(await store.find(digest)).toBeUndefined();
      const blob = await put(store, 'gone');
      await store.remove(digest);
      await store.remove(digest);
      expect(await store.find(digest)).toBeUndefined();
      await expect(store.open(blob)).rejects.toThrow(/ENOENT|cannot find/);
      expect(await digestsIn(store)).toEqual([]);
    });

    it('tells those of many that are there', async () => {
      const store = await open();
      const kept: BlobDigest[] = [];
      for (let index = 0; index < 25; index++) kept.push((await put(store, `snap ${index}`)).digest);
      const absent = (await stage(store, 'absent')).digest;
      const found = await store.findAll([...kept, absent, ...kept]);
      expect([...found.keys()].toSorted()).toEqual(kept.toSorted());
      expect(found.get(kept[3] ?? absent)?.size).toBe(6);
      expect(await digestsIn(store)).toEqual(kept.toSorted());
    });

    it('lends a blob as a file, which is there as long as it is used', async () => {
      const store = await open();
      const content = randomBytes(3_000_000);
      const blob = await put(store, content);
      await expect(
        store.withFile(blob, async (path) => {
          expect(await digestOfFile(path)).toEqual({ digest: blob.digest, size: 3_000_000 });
          expect((await readFile(path)).equals(content)).toBe(true);
          throw new Error(path);
        }),
      ).rejects.toThrow(/\//);
      expect(await readdir(store.stagingFolder)).toEqual([]);
      expect((await store.find(blob.digest))?.size).toBe(3_000_000);
    });

    it('lets a reader go away in the middle', async () => {
      const store = await open();
      const blob = await put(store, randomBytes(5_000_000));
      const stream = await store.open(blob);
      for await (const chunk of stream) {
        expect(chunk).toBeDefined();
        break;
      }
      await finished(stream).catch(() => undefined);
      expect(await buffer(await store.open(blob, { start: 4_999_999 }))).toHaveLength(1);
    });
  });
}

async function digestsIn(store: BlobStore): Promise<readonly string[]> {
  const digests = [];
  for await (const { digest } of store.list()) digests.push(digest);
  return digests.toSorted();
}
