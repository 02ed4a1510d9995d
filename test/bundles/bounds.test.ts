/** A hostile archive takes no more memory or disk than a small one, however large it says that it is, or unpacks to. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRawSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { encodeTarHeader } from '../../src/bundles/tar-header-writing.ts';
import { tarChecksum } from '../../src/bundles/tar-header.ts';
import { honestMembers, newSigner, raw, scratch, type RawMember } from './sample.ts';

const run = promisify(execFile);
const CHILD = join(import.meta.dirname, 'unpack-child.ts');
const [MiB, GiB] = [2 ** 20, 2 ** 30];
/** What the program itself takes, the longest manifest twice, and the buffers that all bytes pass through. */
const MEMORY = 448 * MiB;
/** What the honest members have, and some to spare. */
const DISK = 2 * MiB;
const modified = new Date('2026-01-02T03:04:05Z');

const told = z.object({
  code: z.string(),
  left: z.array(z.string()),
  largest: z.number(),
  peak: z.number(),
});

/** Deflate data that end at a byte, so that they can be written one after the other any number of times. */
const flushed = (bytes: Uint8Array) => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH });

/** A gzip file of some bytes and then of others so many times over, made without ever unpacking to that. */
async function bomb(front: Uint8Array, again: Uint8Array, times: number): Promise<string> {
  const path = join(await scratch(), 'bomb.tar.gz');
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  const block = flushed(again);
  const end = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  end.writeUInt32LE((front.length + again.length * times) % 2 ** 32, 6);
  await writeFile(
    path,
    Buffer.concat([header, flushed(front), ...Array.from({ length: times }, () => block), end]),
  );
  return path;
}

/** The bytes of a tar archive, without what ends it. */
async function tarOf(members: readonly RawMember[]): Promise<Buffer> {
  const archive = pack();
  for (const { header, bytes = Buffer.of() } of members)
    archive.entry({ ...header, size: bytes.byteLength }, Buffer.from(bytes));
  archive.finalize();
  return (await buffer(archive)).subarray(0, -1024);
}

async function manifestOf(bytes: Buffer): Promise<string> {
  const signer = await newSigner();
  const members = [raw('manifest.json', bytes), raw('manifest.jws', Buffer.from(await signer.sign(bytes)))];
  return bomb(await tarOf(members), Buffer.alloc(1024), 1);
}

const honest = async () => tarOf(await honestMembers(await newSigner()));
/** The tar archive up to a member, and a header in its place that says that it has 10 GiB. */
const upTo = async (count: number, name: string) => {
  const members = (await honestMembers(await newSigner())).slice(0, count);
  return Buffer.concat([await tarOf(members), encodeTarHeader({ name, size: 10 * GiB, modified })]);
};
const zeros = Buffer.alloc(64 * MiB);

function longHeader(): Buffer {
  const header = Buffer.from(encodeTarHeader({ name: 'x', size: MiB, modified }));
  header.write('x', 156, 'latin1');
  header.write(`${tarChecksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, Buffer.alloc(MiB)]);
}

test.each([
  ['10 GiB of zeros', 'bundle-too-large', () => bomb(Buffer.of(), zeros, 160)],
  ['10 GiB of zeros behind its members', 'bundle-too-large', async () => bomb(await honest(), zeros, 160)],
  ['a manifest of 10 GiB', 'bundle-too-large', async () => bomb(await upTo(0, 'manifest.json'), zeros, 160)],
  [
    'a snap of 10 GiB where its manifest says less',
    'member-size-wrong',
    async () => bomb(await upTo(4, 'snaps/snap-0_1.snap'), zeros, 160),
  ],
  ['10 GiB of extended headers', 'bundle-too-large', () => bomb(Buffer.of(), longHeader(), 10_240)],
  ['a manifest of brackets', 'manifest-invalid', () => manifestOf(Buffer.alloc(63 * MiB, '['))],
  ['a manifest of objects', 'manifest-invalid', () => manifestOf(Buffer.alloc(63 * MiB, '[{},{}],'))],
  ['a manifest of one text', 'manifest-invalid', () => manifestOf(Buffer.from(`"${'x'.repeat(63 * MiB)}"`))],
] as const)('%s', async (_, code, file) => {
  const folder = join(await scratch(), 'staging');
  const { stdout } = await run(process.execPath, [CHILD, await file(), folder]);
  const outcome = told.parse(JSON.parse(stdout));
  expect(outcome).toMatchObject({ code, left: [] });
  expect(outcome.largest).toBeLessThan(DISK);
  expect(outcome.peak).toBeLessThan(MEMORY);
});
