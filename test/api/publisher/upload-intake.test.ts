import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { multipartFile } from '../../../src/api/publisher/multipart.ts';
import { receiveUpload, type IntakeDeps } from '../../../src/api/publisher/receive-upload.ts';
import { UploadIntake } from '../../../src/api/publisher/upload-intake.ts';
import { openFileBlobStore } from '../../../src/storage/index.ts';
import { temporaryDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function parts(maxUploadBytes = 100): Promise<IntakeDeps> {
  const folder = await temporaryFolder();
  const blobs = await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging'));
  return { database: await temporaryDatabase(), blobs, clock: () => new Date(), maxUploadBytes };
}

async function* bytes(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

describe('what comes in from strangers is bounded', () => {
  test('by the number of files that wait to be claimed', async () => {
    const intake = new UploadIntake(await parts(), { underWay: 4, files: 2, bytes: 1000 });
    await intake.receive(bytes('a'), 'a.snap');
    await intake.receive(bytes('b'), 'b.snap');
    await expect(intake.receive(bytes('c'), 'c.snap')).rejects.toMatchObject({
      code: 'uploads-full',
      kind: 'unavailable',
    });
  });

  test('by their bytes together', async () => {
    const intake = new UploadIntake(await parts(), { underWay: 4, files: 9, bytes: 3 });
    await intake.receive(bytes('aaa'), 'a.snap');
    await expect(intake.receive(bytes('c'), 'c.snap')).rejects.toMatchObject({ code: 'uploads-full' });
  });

  test('by those under way at once; one that ends makes room', async () => {
    const intake = new UploadIntake(await parts(), { underWay: 1, files: 9, bytes: 1000 });
    const { promise: sent, resolve: send } = Promise.withResolvers<void>();
    const slow = async function* () {
      await sent;
      yield Buffer.from('x');
    };
    const first = intake.receive(slow(), 'a.snap');
    await expect(intake.receive(bytes('b'), 'b.snap')).rejects.toMatchObject({ code: 'uploads-full' });
    send();
    await first;
    await expect(intake.receive(bytes('b'), 'b.snap')).resolves.toMatch(/^[0-9a-f-]{36}$/);
  });

  test('by the size of one file, and nothing of it stays', async () => {
    const deps = await parts(4);
    await expect(receiveUpload(deps, bytes('abc', 'de'), 'x')).rejects.toMatchObject({
      code: 'upload-too-large',
    });
    await expect(receiveUpload(deps, bytes(), 'x')).rejects.toMatchObject({ code: 'upload-empty' });
    expect(await readdir(deps.blobs.stagingFolder)).toEqual([]);
  });
});

describe('a multipart form', () => {
  const form = (body: string, type = 'multipart/form-data; boundary=BOUNDARY') =>
    new Request('http://x/', { method: 'POST', headers: { 'content-type': type }, body });
  const head = '--BOUNDARY\r\nContent-Disposition: form-data; name="binary"; filename="x.snap"\r\n\r\n';

  test.each(['', 'a', '\r\n', '\r\n--BOUND', '--BOUNDARY', 'a\r\n--BOUNDAR\r\nb'])(
    'gives back the bytes of the file: %j',
    async (content) => {
      const file = await multipartFile(form(`${head}${content}\r\n--BOUNDARY--\r\n`), 'binary');
      const read: Uint8Array[] = [];
      for await (const chunk of file.bytes) read.push(Uint8Array.from(chunk));
      expect(Buffer.concat(read).toString()).toBe(content);
      expect(file.fileName).toBe('x.snap');
    },
  );

  test.each([
    ['another type', form('x', 'text/plain')],
    ['no boundary at its begin', form('x')],
    ['another field', form(head.replace('binary', 'other'))],
    ['no file name', form(head.replace('; filename="x.snap"', ''))],
    ['an endless head', form(`--BOUNDARY\r\n${'x'.repeat(20_000)}`)],
  ])('with %s is refused', async (_what, request) => {
    await expect(multipartFile(request, 'binary')).rejects.toMatchObject({ code: 'invalid-field' });
  });

  test('that ends early is refused while it is read', async () => {
    const file = await multipartFile(form(`${head}half of it`), 'binary');
    const drain = async () => {
      for await (const _ of file.bytes);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'invalid-field' });
  });
});
