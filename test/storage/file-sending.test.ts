import { randomBytes } from 'node:crypto';
import { open, truncate, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { callbackify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { sendFile } from '../../src/storage/file-sending.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const content = randomBytes(1_500_000);

async function fileOf(bytes: Uint8Array) {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, bytes);
  return { path, file: await open(path, 'r') };
}

/** A server that answers with what `send` does, the question asked of it, and how the sending ended. */
async function answered(send: (response: ServerResponse) => Promise<void>) {
  const ended = Promise.withResolvers<unknown>();
  const server = createServer((_, response) => {
    send(response).then(() => ended.resolve('sent'), ended.resolve);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject);
  });
  return { message, ended: ended.promise };
}

test.each([
  [0, content.length - 1],
  [0, 0],
  [262_144, 524_287],
  [262_143, 1_200_000],
  [content.length - 1, content.length - 1],
])('the bytes from %d to %d arrive, and the file is closed', async (start, end) => {
  const { file } = await fileOf(content);
  const { message, ended } = await answered((response) => sendFile(file, { start, end }, response));
  expect((await buffer(message)).equals(content.subarray(start, end + 1))).toBe(true);
  expect(await ended).toBe('sent');
  expect(file.fd).toBe(-1);
});

test('a piece stays as it is until who takes it says that it is done with it', async () => {
  const { file } = await fileOf(content);
  const taken: Buffer[] = [];
  // Holds what it is given over many turns, in which a careless sender would read the next piece over it.
  const hold = async (chunk: Buffer) => {
    const before = Buffer.from(chunk);
    for (let n = 0; n < 50; n++) await turn();
    taken.push(chunk.equals(before) ? before : Buffer.from('overwritten'));
  };
  const slow = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const held = callbackify(hold);
      held(chunk, done);
    },
  });
  await sendFile(file, { start: 0, end: content.length - 1 }, slow);
  expect(Buffer.concat(taken).equals(content)).toBe(true);
});

test('a client that goes away ends it, and the file is closed', async () => {
  const { file } = await fileOf(randomBytes(30_000_000));
  const { message, ended } = await answered((response) =>
    sendFile(file, { start: 0, end: 29_999_999 }, response),
  );
  message.once('data', () => message.destroy());
  expect(await ended).toMatchObject({
    code: expect.stringMatching(/^(ERR_STREAM_PREMATURE_CLOSE|ECONNRESET|EPIPE)$/),
  });
  expect(file.fd).toBe(-1);
});

test('a client that is gone before it began ends it', async () => {
  const { file } = await fileOf(content);
  const gone = new Writable({ write: (_chunk, _encoding, done) => done() });
  gone.destroy();
  await expect(sendFile(file, { start: 0, end: 9 }, gone)).rejects.toMatchObject({
    code: 'ERR_STREAM_PREMATURE_CLOSE',
  });
  expect(file.fd).toBe(-1);
});

test('a file that became shorter breaks the answer off', async () => {
  const { path, file } = await fileOf(content);
  await truncate(path, 300_000);
  const { message, ended } = await answered((response) => {
    response.writeHead(200, { 'content-length': content.length });
    return sendFile(file, { start: 0, end: content.length - 1 }, response);
  });
  await expect(buffer(message)).rejects.toThrow('aborted');
  expect(await ended).toMatchObject({ message: 'a file ended at 300000, which had 1500000 bytes' });
  expect(file.fd).toBe(-1);
});
