import { randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILE_BLOCK_BYTES, openPastCache, takeBlock, wrotePastCache } from '../../src/bundles/file-blocks.ts';
import { FileWriting } from '../../src/bundles/file-writing.ts';
import { scratch } from './sample.ts';

const MiB = FILE_BLOCK_BYTES;
/** Pieces around the size of a block, and small ones between. */
const sizes = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(MiB - 1, MiB, MiB + 1, 3 * MiB, 4096, 65535)),
  { minLength: 1, maxLength: 6 },
);

describe('a file that is written front to back', () => {
  test('holds the pieces in their order, past the cache or through it', async () => {
    const path = join(await scratch(), 'file');
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async (lengths, lasting) => {
        const pieces = lengths.map((length) => randomBytes(length));
        const file = await FileWriting.open(path, { lasting });
        await Promise.all(pieces.map((piece) => file.write(piece)));
        await (lasting ? file.sync() : file.written());
        await file.close();
        expect((await readFile(path)).equals(Buffer.concat(pieces))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('goes on wherever another run ended, and leaves what is there', async () => {
    const path = join(await scratch(), 'file');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 * MiB + 5 }), sizes, async (position, lengths) => {
        const [before, ...pieces] = [position, ...lengths].map((length) => randomBytes(length));
        if (before === undefined) throw new Error('no bytes to go on from');
        await writeFile(path, before);
        const file = await FileWriting.open(path, { position, lasting: true });
        await file.write(...pieces);
        await file.close();
        expect((await readFile(path)).equals(Buffer.concat([before, ...pieces]))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('does not look at a piece again once its write has resolved', async () => {
    const path = join(await scratch(), 'file');
    const file = await FileWriting.open(path, { lasting: true });
    const piece = Buffer.alloc(MiB + 7, 1);
    await file.write(piece);
    piece.fill(2);
    await file.sync();
    await file.close();
    expect((await readFile(path)).equals(Buffer.alloc(MiB + 7, 1))).toBe(true);
  });

  test('has what was written so far when it is closed early', async () => {
    const path = join(await scratch(), 'file');
    const file = await FileWriting.open(path, { lasting: false });
    void file.write(Buffer.from('so far'));
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('so far');
  });

  test.each([true, false])(
    'fails where the disk is full (lasting: %s), and keeps failing',
    async (lasting) => {
      const file = await FileWriting.open('/dev/full', { lasting });
      await file.write(Buffer.alloc(2 * MiB)).catch(() => undefined);
      await expect(file.written()).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(file.write(Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(file.sync()).rejects.toMatchObject({ code: 'ENOSPC' });
      await file.close();
    },
  );
});

describe.runIf(process.platform === 'linux')('past the cache', () => {
  test('nothing goes where a file system does not have that', async () => {
    expect(await openPastCache('/proc/self/comm')).toBeUndefined();
  });

  test('other failures are told', async () => {
    await expect(openPastCache(join(await scratch(), 'not-there'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a block goes whole, or is said not to', async () => {
    const path = join(await scratch(), 'file');
    await writeFile(path, '');
    const file = (await openPastCache(path)) ?? (await open(path, 'r+'));
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
