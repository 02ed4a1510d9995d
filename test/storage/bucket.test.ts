import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { selfSigned } from '../../src/api/tls/self-signed.ts';
import { BucketBlobStore } from '../../src/storage/bucket/store.ts';
import { digestOfFile, parseBlobDigest, type BucketPlace } from '../../src/storage/index.ts';
import { startBucketServer, versitygw, type BucketServer } from '../support/bucket-server.ts';
import { cuttingProxy } from '../support/cutting-proxy.ts';
import { reasonToSkip } from '../support/go-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { put, specifyBlobStore, stage } from './blob-store-contract.ts';

const program = await versitygw();

async function openServer(): Promise<BucketServer> {
  return startBucketServer(program.path ?? '');
}

async function storeAt(place: BucketPlace): Promise<BucketBlobStore> {
  const staging = join(await temporaryFolder(), 'staging');
  await mkdir(staging);
  return new BucketBlobStore(place, staging);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const openStore = async () => storeAt((await openServer()).place());

/** Bytes that do not repeat, from a seed: the same in each run. */
function bytesOf(seed: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(seed).digest();
}

describe.skipIf(program.path === undefined)(`blobs in a bucket${reasonToSkip(program)}`, () => {
  specifyBlobStore(openStore);

  test('are objects under the names that they have in a folder', async () => {
    const server = await openServer();
    const store = await storeAt(server.place());
    const { digest } = await put(store, 'an object');
    const path = join(server.folder, 'snaps', digest.slice(0, 2), digest);
    expect((await readFile(path)).toString()).toBe('an object');
  });

  test('over TLS are for a bucket whose CA is trusted, from the moment that it is', async () => {
    const random = (size: number) => new Uint8Array(randomBytes(size));
    const tls = await selfSigned(['127.0.0.1'], new Date(), random);
    const folder = await temporaryFolder();
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(files.cert, tls.cert);
    await writeFile(files.key, tls.key);
    const server = await startBucketServer(program.path ?? '', files);
    expect(server.address).toMatch(/^https:/);
    const store = await storeAt(server.place());
    await expect(store.check()).rejects.toMatchObject({ code: 'bucket-untrusted' });
    const usual = getCACertificates('default');
    setDefaultCACertificates([tls.cert]);
    onTestFinished(() => setDefaultCACertificates(usual));
    await store.check();
    const content = bytesOf('secret', 9 * 2 ** 20);
    const blob = await put(store, content);
    expect((await buffer(await store.open(blob))).equals(content)).toBe(true);
  });

  test('other objects in the bucket are left alone and not listed', async () => {
    const server = await openServer();
    const store = await storeAt(server.place());
    const { digest } = await put(store, 'ours');
    const bucket = join(server.folder, 'snaps');
    await writeFile(join(bucket, digest), 'not on a shelf');
    await writeFile(join(bucket, 'notes'), 'theirs');
    expect((await all(store.list())).map((blob) => blob.digest)).toEqual([digest]);
  });

  test('a large file goes in parts, several at a time, and comes back to the bit', async () => {
    const store = await openStore();
    const content = bytesOf('large', 69 * 2 ** 20 + 12_345);
    const blob = await put(store, content);
    expect(blob.size).toBe(content.length);
    expect((await buffer(await store.open(blob))).equals(content)).toBe(true);
    const end = await buffer(await store.open(blob, { start: 64 * 2 ** 20, end: 64 * 2 ** 20 + 99 }));
    expect(end.equals(content.subarray(64 * 2 ** 20, 64 * 2 ** 20 + 100))).toBe(true);
    expect(await store.discardUnfinished(new Date(Date.now() + 60_000))).toBe(0);
  });

  test('more than a page of them are all listed', async () => {
    const server = await openServer();
    const store = await storeAt(server.place());
    const expected: string[] = [];
    for (let index = 0; index < 1_050; index++) {
      const digest = createHash('sha3-384').update(String(index)).digest('hex');
      const path = join(server.folder, 'snaps', digest.slice(0, 2), digest);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, String(index));
      expected.push(digest);
    }
    const listed = await all(store.list());
    expect(listed.map(({ digest }) => digest).toSorted()).toEqual(expected.toSorted());
  });

  test.each([0.1, 0.37, 0.62, 0.93])(
    'an upload that is cut off after %d of its bytes leaves nothing that can be seen, and the file in its place',
    async (share) => {
      const server = await openServer();
      const network = await cuttingProxy(server.port);
      const store = await storeAt(server.place({ endpoint: network.address }));
      const { file, digest } = await stage(store, bytesOf('cut', 33 * 2 ** 20));
      network.cutAfter(Math.round(share * 33 * 2 ** 20));
      await expect(store.adopt(file, digest)).rejects.toMatchObject({
        kind: 'unavailable',
        code: 'bucket-unreachable',
      });
      const direct = await storeAt(server.place());
      expect(await direct.find(digest)).toBeUndefined();
      expect(await all(direct.list())).toEqual([]);

      // The parts that got through wait to be thrown away; not before their time.
      expect(await direct.discardUnfinished(new Date(0))).toBe(0);
      expect(await direct.discardUnfinished(new Date(Date.now() + 60_000))).toBe(1);

      network.cutAfter(undefined);
      expect((await store.adopt(file, digest)).size).toBe(33 * 2 ** 20);
      expect(await readdir(store.stagingFolder)).toEqual([]);
      expect((await digestOfFile(join(server.folder, 'snaps', digest.slice(0, 2), digest))).digest).toBe(
        digest,
      );
    },
  );

  test('a download that is cut off is no end of the file', async () => {
    const server = await openServer();
    const store = await storeAt(server.place());
    const blob = await put(store, bytesOf('down', 20 * 2 ** 20));
    const stream = await store.open(blob);
    await server.stop();
    await expect(buffer(stream)).rejects.toThrow();
  });

  test('a file that is lent is checked: what was changed in the bucket is not used', async () => {
    const server = await openServer();
    const store = await storeAt(server.place());
    const blob = await put(store, 'genuine');
    await appendFile(join(server.folder, 'snaps', blob.digest.slice(0, 2), blob.digest), '!');
    await expect(store.withFile(blob, async () => 'used')).rejects.toMatchObject({
      code: 'bucket-file-damaged',
    });
    expect(await readdir(store.stagingFolder)).toEqual([]);
  });

  test('a presigned address is good for one blob and one method', async () => {
    const store = await openStore();
    const blob = await put(store, 'for a device');
    const ask = { seconds: 600, fileName: 'some_1.snap' } as const;
    const address = await store.presigned(blob.digest, { ...ask, method: 'GET' });
    const answer = await fetch(address, { headers: { range: 'bytes=4-6' } });
    expect([answer.status, await answer.text()]).toEqual([206, 'a d']);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="some_1.snap"');
    const head = await fetch(await store.presigned(blob.digest, { ...ask, method: 'HEAD' }), {
      method: 'HEAD',
    });
    expect(head.status).toBe(200);
    expect((await fetch(address, { method: 'DELETE' })).status).toBe(403);
    const other = new URL(address);
    other.pathname = other.pathname.replace(/.$/, '0');
    expect((await fetch(other)).status).toBe(403);
  });
});

describe.skipIf(program.path === undefined)('what is wrong with a bucket is told in a sentence', () => {
  const absent = parseBlobDigest('a'.repeat(96));

  async function refused(place: BucketPlace, code: string, words: RegExp): Promise<void> {
    const store = await storeAt(place);
    const { file, digest } = await stage(store, randomBytes(100));
    const asked = [
      () => store.check(),
      () => store.find(absent),
      () => store.adopt(file, digest),
      () => store.open({ digest: absent, size: 1, place: 'bucket' }),
      () => all(store.list()),
      () => store.remove(absent),
      () => store.discardUnfinished(new Date()),
    ];
    for (const ask of asked)
      await expect(ask()).rejects.toMatchObject({
        kind: 'unavailable',
        code,
        message: expect.stringMatching(words),
      });
    expect(await readdir(store.stagingFolder)).toHaveLength(1);
  }

  test('a bucket that is not there', async () => {
    const server = await openServer();
    await refused(
      server.place({ bucket: 'nowhere' }),
      'bucket-missing',
      /^cannot use the bucket nowhere at http:\S+ there is none of that name; .*scanned-container-name$/,
    );
  });

  test('a secret that is not the right one', async () => {
    const server = await openServer();
    await refused(
      server.place({ secretAccessKey: 'wrong' }),
      'bucket-refused',
      /the access key is not accepted \(\w+\); check/,
    );
  });

  test('an access key that nobody has', async () => {
    const server = await openServer();
    await refused(
      server.place({ accessKeyId: 'nobody' }),
      'bucket-refused',
      /the access key is not accepted/,
    );
  });

  test('another region', async () => {
    const server = await openServer();
    const store = await storeAt(server.place({ region: 'eu-north-1' }));
    await expect(store.check()).rejects.toMatchObject({ code: 'bucket-region-wrong' });
  });

  test('a server that does not run', async () => {
    const server = await openServer();
    const place = server.place();
    await server.stop();
    await refused(place, 'bucket-unreachable', /the connection is refused; check the server/);
  });
});
