import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, crc32, createDeflateRaw, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveBytes } from '../../src/bundles/archive-bytes.ts';
import { FileWriting } from '../../src/bundles/file-writing.ts';
import { SlotRing } from '../../src/bundles/slot-ring.ts';
import { BLOCK_MAX } from '../../src/bundles/stored-blocks.ts';
import { StoredGzip } from '../../src/bundles/stored-gzip.ts';
import { fileOf, scratch } from './sample.ts';

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

/** A stored block, honest or with the length it is given. */
function storedBlock(content: Uint8Array, { last = false, length = content.length } = {}): Buffer {
  const header = Buffer.alloc(5);
  header[0] = last ? 1 : 0;
  header.writeUInt16LE(length, 1);
  header.writeUInt16LE(~length & 0xffff, 3);
  return Buffer.concat([header, content]);
}

/** What a gzip file of this content ends with. */
function trailerOf(content: Uint8Array): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  return trailer;
}

/** Deflate data of compressed blocks that ends at a byte boundary and has no last block, so that stored ones can follow. */
async function compressedBlocks(content: Uint8Array): Promise<Buffer> {
  const deflate = createDeflateRaw({ level: 9 });
  const chunks: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => deflate.write(content, () => resolve()));
  await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
  deflate.destroy();
  return Buffer.concat(chunks);
}

async function readAll(path: string, { slots = 2, slotBytes = 4096, limit = 1000 } = {}): Promise<Buffer> {
  const bytes = await ArchiveBytes.open(path, new SlotRing(slots, slotBytes));
  try {
    const found: Buffer[] = [];
    for (;;) {
      const chunk = await bytes.take(limit);
      if (chunk === undefined) return Buffer.concat(found);
      expect(chunk.bytes.length).toBeLessThanOrEqual(limit);
      found.push(Buffer.from(chunk.bytes));
      chunk.release();
    }
  } finally {
    await bytes.close();
  }
}

const failure = (path: string) =>
  readAll(path).then(
    () => 'read',
    (error: unknown) => error,
  );

describe('the bytes inside a .tar.gz', () => {
  test('are those that zlib finds, however they are divided into blocks, stored and compressed', async () => {
    const blocks = fc.array(
      fc.record({ bytes: fc.uint8Array({ maxLength: 9000 }), compressed: fc.boolean() }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(blocks, fc.integer({ min: 1, max: 5000 }), async (plan, limit) => {
        const parts: Buffer[] = [HEADER];
        for (const { bytes, compressed } of plan)
          parts.push(compressed ? await compressedBlocks(bytes) : storedBlock(bytes));
        const content = Buffer.concat(plan.map(({ bytes }) => bytes));
        const file = Buffer.concat([...parts, storedBlock(Buffer.of(), { last: true }), trailerOf(content)]);
        expect(gunzipSync(file)).toEqual(content);
        expect(await readAll(await fileOf(file), { limit })).toEqual(content);
      }),
      { numRuns: 60 },
    );
  });

  test('are found whatever level they were compressed at', async () => {
    const content = Buffer.concat([Buffer.from('text '.repeat(20_000)), randomBytes(200_000)]);
    for (const level of [0, 1, 6, 9])
      expect(await readAll(await fileOf(gzipSync(content, { level })))).toEqual(content);
  });

  test('may be divided into the smallest of blocks', async () => {
    const content = randomBytes(20_000);
    const blocks = [...content].map((byte) => storedBlock(Uint8Array.of(byte)));
    const end = storedBlock(Buffer.of(), { last: true });
    const file = await fileOf(Buffer.concat([HEADER, ...blocks, end, trailerOf(content)]));
    expect(await readAll(file)).toEqual(content);
  });

  test('end with a trailer that tells how many they are, and then nothing', async () => {
    const content = Buffer.from('all of it '.repeat(2000));
    const ways = [storedBlock(content, { last: true }), deflateRawSync(content)];
    for (const data of ways) {
      const ending = (...end: Uint8Array[]) => fileOf(Buffer.concat([HEADER, data, ...end]));
      const trailer = trailerOf(content);
      expect(await readAll(await ending(trailer))).toEqual(content);
      for (const length of [0, 4, 7])
        expect(await failure(await ending(trailer.subarray(0, length)))).toMatchObject({
          fault: 'truncated',
        });
      expect(await failure(await ending(trailer, Buffer.from('x')))).toMatchObject({ fault: 'damaged' });
      expect(await failure(await ending(trailer, randomBytes(9000)))).toMatchObject({ fault: 'damaged' });
      expect(await failure(await ending(trailer, gzipSync('more')))).toMatchObject({ fault: 'damaged' });
      expect(await failure(await ending(trailerOf(content.subarray(1))))).toMatchObject({
        fault: 'damaged',
      });
    }
  });

  test('are cut off when the file ends before its last block does', async () => {
    const whole = Buffer.concat([
      HEADER,
      storedBlock(randomBytes(5000)),
      storedBlock(randomBytes(9), { last: true }),
    ]);
    for (const end of [10, 12, 15, 4000, 5015, 5017, 5021, whole.length - 1])
      expect(await failure(await fileOf(whole.subarray(0, end)))).toMatchObject({ fault: 'truncated' });
  });

  test('are damaged when a length and its complement disagree', async () => {
    const spoilt = storedBlock(Buffer.from('abc'), { last: true });
    spoilt[3] = 0;
    expect(await failure(await fileOf(Buffer.concat([HEADER, spoilt])))).toMatchObject({ fault: 'damaged' });
  });
});

describe('a gzip file of stored blocks', () => {
  async function written(fill: (gzip: StoredGzip) => Promise<void>): Promise<string> {
    const path = join(await scratch(), 'a.gz');
    const file = await FileWriting.open(path, 0o600);
    const gzip = new StoredGzip(file);
    await fill(gzip);
    await gzip.finish();
    await file.close();
    return path;
  }

  test('is what every gunzip reads, checksum and length included', async () => {
    const [small, large] = [randomBytes(700), randomBytes(3 * BLOCK_MAX + 1)];
    const path = await written(async (gzip) => {
      await gzip.add(small);
      await Promise.all([
        gzip.body(large.subarray(0, 2 * BLOCK_MAX)),
        gzip.body(large.subarray(2 * BLOCK_MAX)),
      ]);
      await gzip.add(small);
    });
    const content = Buffer.concat([small, large, small]);
    expect(gunzipSync(await readFile(path))).toEqual(content);
    expect(await readAll(path, { slotBytes: 2 ** 17, limit: 2 ** 20 })).toEqual(content);
  });

  test('may be empty', async () => {
    expect(gunzipSync(await readFile(await written(() => Promise.resolve())))).toEqual(Buffer.of());
  });

  test('is passed over at one jump where what follows can be recognised, and only there', async () => {
    const path = await written(async (gzip) => {
      await gzip.add(Buffer.from('head'));
      await gzip.body(randomBytes(2 * BLOCK_MAX));
      await gzip.body(randomBytes(77));
      await gzip.add(Buffer.from('mark and more'));
    });
    const size = 2 * BLOCK_MAX + 77;
    const isMark = (bytes: Uint8Array) => Buffer.from(bytes).toString() === 'mark';
    const start = async () => {
      const bytes = await ArchiveBytes.open(path, new SlotRing(2, 4096));
      (await bytes.take(4))?.release();
      return bytes;
    };
    const right = await start();
    expect(await right.jump(size, 4, isMark)).toBe(true);
    expect(Buffer.from((await right.take(4))?.bytes ?? []).toString()).toBe('mark');
    await right.close();
    const wrong = await start();
    for (const count of [size - 1, size + 1, size + 5, 3 * size])
      expect(await wrong.jump(count, 4, isMark)).toBe(false);
    expect(await wrong.jump(size, 4, () => false)).toBe(false);
    expect(await wrong.jump(size, 4, isMark)).toBe(true);
    await wrong.close();
  });

  test('is not jumped over when zlib made the blocks, or they are compressed', async () => {
    const content = Buffer.concat([Buffer.from('head'), randomBytes(300_000), Buffer.from('mark')]);
    for (const level of [0, 6]) {
      const path = await fileOf('');
      await writeFile(path, gzipSync(content, { level }));
      const bytes = await ArchiveBytes.open(path, new SlotRing(2, 2 ** 20));
      (await bytes.take(4))?.release();
      expect(await bytes.jump(300_000, 4, (found) => Buffer.from(found).toString() === 'mark')).toBe(false);
      await bytes.close();
    }
  });
});
