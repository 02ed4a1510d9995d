import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CachedWriting } from '../../src/bundles/cached-writing.ts';
import { FILE_BLOCK_BYTES, openPastCache, takeBlock, wrotePastCache } from '../../src/bundles/file-blocks.ts';
import { FileReading } from '../../src/bundles/file-reading.ts';
import { FileWriting } from '../../src/bundles/file-writing.ts';
import { scratch } from './sample.ts';

const MiB = FILE_BLOCK_BYTES;
/** Sizes around that of a block, and small ones between. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.constantFrom(MiB - 1, MiB, MiB + 1, 3 * MiB, 4096, 65535),
);
const sizes = fc.array(size, { minLength: 1, maxLength: 6 });

describe('a file that lasts', () => {
  test('holds the pieces in their order, those too that come after it was on the disk', async () => {
    const path = join(await scratch(), 'file');
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (first, second) => {
        const [before, after] = [first, second].map((lengths) =>
          lengths.map((length) => randomBytes(length)),
        );
        const file = await FileWriting.open(path, 0o600);
        await Promise.all((before ?? []).map((piece) => file.write(piece)));
        await file.sync();
        await file.write(...(after ?? []));
        await file.sync();
        await file.close();
        expect((await readFile(path)).equals(Buffer.concat([...(before ?? []), ...(after ?? [])]))).toBe(
          true,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('does not look at a piece again once its write has resolved', async () => {
    const path = join(await scratch(), 'file');
    const file = await FileWriting.open(path, 0o600);
    const piece = Buffer.alloc(MiB + 7, 1);
    await file.write(piece);
    piece.fill(2);
    await file.sync();
    await file.close();
    expect((await readFile(path)).equals(Buffer.alloc(MiB + 7, 1))).toBe(true);
  });

  test('has what was written so far when it is closed early', async () => {
    const path = join(await scratch(), 'file');
    const file = await FileWriting.open(path, 0o600);
    void file.write(Buffer.from('so far'));
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('so far');
  });

  test('fails where the disk is full, and keeps failing', async () => {
    const file = await FileWriting.open('/dev/full', 0o600);
    await file.write(Buffer.alloc(2 * MiB)).catch(() => undefined);
    await expect(file.written()).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(file.write(Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.close();
  });
});

describe('a file that is read again at once', () => {
  test('goes on wherever another run ended, and leaves what is there', async () => {
    const path = join(await scratch(), 'file');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 * MiB + 5 }), sizes, async (position, lengths) => {
        const before = randomBytes(position);
        const pieces = lengths.map((length) => randomBytes(length));
        await writeFile(path, before);
        const file = await CachedWriting.open(path, { mode: 0o600, position });
        for (const piece of pieces) void file.write(piece);
        await file.written();
        await file.close();
        expect((await readFile(path)).equals(Buffer.concat([before, ...pieces]))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('fails where the disk is full', async () => {
    const file = await CachedWriting.open('/dev/full', { mode: 0o600, position: 0 });
    await expect(file.write(Buffer.alloc(10))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(file.written()).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.close();
  });
});

describe('a file that is read once', () => {
  test('gives its bytes from any place, front to back and elsewhere', async () => {
    const path = join(await scratch(), 'file');
    await fc.assert(
      fc.asyncProperty(
        size,
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 * MiB + 1 }), size), { minLength: 1, maxLength: 8 }),
        async (length, questions) => {
          const content = randomBytes(length);
          await writeFile(path, content);
          const file = await FileReading.open(path);
          for (const [position, wanted] of questions) {
            const memory = Buffer.alloc(wanted);
            const count = await file.read(memory, position);
            const there = content.subarray(position, position + count);
            expect(memory.subarray(0, count).equals(there)).toBe(true);
            expect(count === 0).toBe(wanted === 0 || position >= length);
          }
          await file.close();
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe.runIf(process.platform === 'linux')('past the cache', () => {
  test('nothing goes where a file system does not have that', async () => {
    expect(await openPastCache('/proc/self/comm', constants.O_RDONLY)).toBeUndefined();
  });

  test('other failures are told', async () => {
    const missing = join(await scratch(), 'not-there');
    await expect(openPastCache(missing, constants.O_WRONLY)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a block goes whole, or is said not to', async () => {
    const path = join(await scratch(), 'file');
    await writeFile(path, '');
    const file = (await openPastCache(path, constants.O_WRONLY)) ?? (await open(path, 'r+'));
    const block = takeBlock().fill(3);
    const whole = await wrotePastCache(file, block, 0);
    // No disk takes a block that begins in the middle of one of its own; a file system in memory does.
    const crooked = await wrotePastCache(file, block.fill(4), MiB + 1);
    await file.close();
    expect(whole).toBe(true);
    const found = await readFile(path);
    expect(found.subarray(0, MiB).equals(Buffer.alloc(MiB, 3))).toBe(true);
    expect(found.length).toBe(crooked ? 2 * MiB + 1 : MiB);
  });
});
