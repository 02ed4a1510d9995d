import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOfFile, openFileBlobStore, parseBlobDigest } from '../../src/storage/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { specifyBlobStore, stage } from './blob-store-contract.ts';

async function openStore() {
  const folder = await temporaryFolder();
  return openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
}

describe('blobs in a folder', () => {
  specifyBlobStore(openStore);

  it('lie on shelves by their first digits', async () => {
    const store = await openStore();
    const { file, digest } = await stage(store, 'on a shelf');
    await store.adopt(file, digest);
    expect(store.pathOf(digest)).toMatch(new RegExp(`/blobs/${digest.slice(0, 2)}/${digest}$`));
    expect((await readFile(store.pathOf(digest))).toString()).toBe('on a shelf');
  });
});

describe('digests of blobs', () => {
  it.each(['', 'ab', '../../etc/passwd', 'A'.repeat(96), `${'a'.repeat(95)}/`])(
    'refuses %j as a digest',
    (text) => {
      expect(() => parseBlobDigest(text)).toThrow(expect.objectContaining({ code: 'blob-digest-malformed' }));
    },
  );

  it('computes a digest as node:crypto does over the whole file', async () => {
    const store = await openStore();
    const { file, digest } = await stage(store, 'x'.repeat(3_000_000));
    expect(await digestOfFile(file)).toEqual({ digest, size: 3_000_000 });
    expect((await readFile(file)).length).toBe(3_000_000);
  });
});
