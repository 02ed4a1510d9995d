import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { extract, type Header } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { ArchiveBytes } from '../../src/bundles/archive-bytes.ts';
import { SlotRing } from '../../src/bundles/slot-ring.ts';
import { encodeTarHeader, TAR_END, tarPadding } from '../../src/bundles/tar-header-writing.ts';
import { decodeTarHeader } from '../../src/bundles/tar-header.ts';
import { TarReader } from '../../src/bundles/tar-reader.ts';
import { writeBundle } from '../../src/bundles/index.ts';
import { gzipSync } from 'node:zlib';
import { fileOf, newSigner, rawArchive, sampleStore, scratch, streamOf } from './sample.ts';

const run = promisify(execFile);

/** Members of an archive as the reader finds them. */
async function membersOf(path: string) {
  const bytes = await ArchiveBytes.open(path, new SlotRing(2, 2 ** 16));
  const tar = new TarReader(bytes, () => undefined);
  const found: { name: string; type: string | undefined; size: number; content: string }[] = [];
  try {
    for (let header = await tar.next(); header !== undefined; header = await tar.next()) {
      let content = '';
      for (let chunk = await tar.take(); chunk !== undefined; chunk = await tar.take()) {
        content += Buffer.from(chunk.bytes).toString('latin1');
        chunk.release();
      }
      found.push({ ...header, content });
    }
    return found;
  } finally {
    await bytes.close();
  }
}

const faultOf = async (tar: Uint8Array) =>
  membersOf(await fileOf(gzipSync(tar))).then(
    () => 'read',
    (error: unknown) => error,
  );

describe('members are found in archives of other programs', () => {
  test.each(['ustar', 'gnu', 'pax', 'oldgnu'])('GNU tar, format %s', async (format) => {
    const folder = await scratch();
    const names = ['a', `deep/${'d'.repeat(60)}/${'n'.repeat(90)}`];
    for (const [n, name] of names.entries()) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), 'x'.repeat(513 * n));
    }
    const path = join(folder, 'a.tgz');
    await run('tar', ['czf', path, '--format', format, '-C', folder, ...names]);
    expect(await membersOf(path)).toEqual(
      names.map((name, n) => ({ name, type: 'file', size: 513 * n, content: 'x'.repeat(513 * n) })),
    );
  });

  test('names of any kind and length, as extended headers give them', async () => {
    const path = join(await scratch(), 'a.tgz');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ name: fc.stringMatching(/^[^\0/][^\0]{0,200}[^\0/]$/u), size: fc.nat(2000) }), {
          maxLength: 5,
        }),
        async (wanted) => {
          const members = wanted.map(({ name, size }) => ({ header: { name }, bytes: randomBytes(size) }));
          await rawArchive(path, members);
          expect(await membersOf(path)).toEqual(
            members.map(({ header: { name }, bytes }) => ({
              name,
              type: 'file',
              size: bytes.length,
              content: bytes.toString('latin1'),
            })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a header', () => {
  const modified = new Date('2026-01-02T03:04:05Z');

  test('is read by others as it was meant', async () => {
    for (const name of ['a', `snaps/${'x'.repeat(90)}`])
      for (const size of [0, 1, 512, 0o77777777777, 0o77777777777 + 1, 2 ** 40 + 3]) {
        const block = encodeTarHeader({ name, size, modified });
        const theirs = await new Promise<Header>((resolve) =>
          extract()
            .on('entry', (header) => resolve(header))
            .write(block),
        );
        expect(theirs).toMatchObject({ name, size, type: 'file', mode: 0o644, mtime: modified });
        expect(decodeTarHeader(block)).toEqual({ name, size, type: 'file' });
      }
  });

  test('that was changed in any byte is not taken for another size or name', () => {
    const honest = encodeTarHeader({ name: 'snaps/a_1.snap', size: 1234, modified });
    fc.assert(
      fc.property(fc.nat(511), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const spoilt = Uint8Array.from(honest);
        spoilt[at] = (spoilt[at] ?? 0) ^ by;
        try {
          expect(decodeTarHeader(spoilt)).toMatchObject({ name: 'snaps/a_1.snap', size: 1234 });
        } catch (error) {
          expect(error).toMatchObject({ fault: 'not-tar' });
        }
      }),
    );
  });

  test.each([
    ['a size that is no number', 124, 'x'],
    ['a negative size', 124, '\u00ff'],
    ['no format that is known', 257, 'xstar'],
  ])('with %s is refused', async (_, at, value) => {
    const block = Buffer.from(encodeTarHeader({ name: 'a', size: 1, modified }));
    block.write(value, at, 'latin1');
    const sum = block.reduce((total, byte, n) => total + (n >= 148 && n < 156 ? 32 : byte), 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect(await faultOf(Buffer.concat([block, TAR_END]))).toMatchObject({ fault: 'not-tar' });
  });

  test('for long values that is longer than any path is refused', async () => {
    const block = Buffer.from(encodeTarHeader({ name: 'a', size: 2 ** 21, modified }));
    block.write('x', 156, 'latin1');
    block.write(
      `${block
        .reduce((total, byte, n) => total + (n >= 148 && n < 156 ? 32 : byte), 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    );
    expect(await faultOf(Buffer.concat([block, Buffer.alloc(2 ** 21)]))).toMatchObject({ fault: 'not-tar' });
  });

  test('or member that is cut off ends the archive with that fault', async () => {
    const whole = Buffer.concat([
      encodeTarHeader({ name: 'a', size: 600, modified }),
      randomBytes(600),
      tarPadding(600),
    ]);
    for (const end of [1, 511, 700, 1111, whole.length - 1])
      expect(await faultOf(whole.subarray(0, end))).toMatchObject({ fault: 'truncated' });
    expect(await faultOf(whole)).toBe('read');
  });
});

test('an archive of ours is read by tar, member by member', async () => {
  const folder = await scratch();
  const signer = await newSigner();
  const { manifest, contents } = sampleStore(signer.fingerprint, [0, 1, 65_535, 65_536, 3_000_000]);
  const path = join(folder, 'a.tar.gz');
  const source = ({ name }: { name: string }) =>
    name.endsWith('.snap')
      ? streamOf(contents.get(name) ?? Buffer.of())
      : (contents.get(name) ?? Buffer.of());
  await writeBundle(path, { manifest, signer, source });
  await run('tar', ['xzf', path, '-C', folder]);
  for (const [name, bytes] of contents)
    expect(await readFile(join(folder, name))).toEqual(Buffer.from(bytes));
  expect((await run('tar', ['tzf', path])).stdout.trim().split('\n')).toEqual([
    'manifest.json',
    'manifest.jws',
    ...manifest.members.map(({ name }) => name),
  ]);
});
