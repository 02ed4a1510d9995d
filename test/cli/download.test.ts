import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createContext } from '../../src/cli/context.ts';
import { downloadFile } from '../../src/cli/download.ts';
import { HttpClient } from '../../src/cli/http-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SIZE = 300_000;
const content = randomBytes(SIZE);

/** A server that answers each request in its own way; and what it was asked for. */
async function serverOf(answer: (request: IncomingMessage, response: ServerResponse, count: number) => void) {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { signal } = new AbortController();
  const where = { url: `http://127.0.0.1:${port}`, name: 'it', hint: 'wait', signal };
  return { ranges, client: new HttpClient(where) };
}

/** Gives the file as a good server does, from where it is asked to; but only until a place, where it neither goes on nor ends. */
function give(request: IncomingMessage, response: ServerResponse, until = SIZE) {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const length = { 'content-length': SIZE - from };
  response.writeHead(from > 0 ? 206 : 200, length);
  response.write(content.subarray(from, until));
  if (until === SIZE) response.end();
}

async function downloading(
  client: HttpClient,
  over: { file?: string; verify?: () => Promise<void>; onProgress?: (done: number) => void } = {},
) {
  const folder = await temporaryFolder();
  const file = join(folder, 'archive');
  if (over.file !== undefined) await writeFile(join(folder, over.file), content.subarray(0, 100_000));
  const said: string[] = [];
  const terminal = {
    stdin: Readable.from([]),
    stdout: { write: (text: string) => said.push(text) },
    stderr: { write: (text: string) => said.push(text) },
    env: {},
  };
  const context = createContext(terminal, 'store-admin', new AbortController().signal);
  const verify = over.verify ?? (() => Promise.resolve());
  const wanted = { path: '/file', size: SIZE, file, verify };
  const failure = await downloadFile(context, client, wanted, (done) => over.onProgress?.(done)).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { file, folder, said, failure };
}

describe('a download to this machine', () => {
  test('goes on where a connection broke, and says so once', async () => {
    let onProgress: (done: number) => void = () => undefined;
    const { client, ranges } = await serverOf((request, response, count) => {
      const until = [100_000, 200_000][count - 1];
      // A connection that broke earlier could take with it what it had brought.
      onProgress = (done) => void (done === until && response.socket?.end());
      give(request, response, until);
    });
    const { file, said, failure } = await downloading(client, { onProgress: (done) => onProgress(done) });
    expect(failure).toBeUndefined();
    expect((await readFile(file)).equals(content)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-']);
    expect(said).toEqual([`The connection to ${client.url} broke; trying again\n`]);
  });

  test('goes on with what an earlier command left', async () => {
    const { client, ranges } = await serverOf((request, response) => give(request, response));
    const { file } = await downloading(client, { file: 'archive.part' });
    expect((await readFile(file)).equals(content)).toBe(true);
    expect(ranges).toEqual(['bytes=100000-']);
  });

  test('begins anew where a server gives the whole file instead of the rest', async () => {
    const { client } = await serverOf((_, response) => response.end(content));
    const { file } = await downloading(client, { file: 'archive.part' });
    expect((await readFile(file)).equals(content)).toBe(true);
  });

  test('has its name only when it was verified; what was not sound goes', async () => {
    const { client } = await serverOf((request, response) => give(request, response));
    const verify = () => Promise.reject(new Error('not sound'));
    const { folder, failure } = await downloading(client, { verify });
    expect(failure).toEqual(new Error('not sound'));
    expect(await readdir(folder)).toEqual([]);
  });

  test('takes no other file’s name, and leaves what a server refuses', async () => {
    const { client, ranges } = await serverOf((_, response) => response.writeHead(404).end('{}'));
    const taken = await downloading(client, { file: 'archive' });
    expect(taken.failure).toMatchObject({ code: 'file-unwritable' });
    expect(ranges).toEqual([]);
    expect((await downloading(client)).failure).toMatchObject({ kind: 'not-found', code: 'server-refused' });
  });

  test('never writes more than was announced', async () => {
    const { client } = await serverOf((_, response) => response.end(Buffer.concat([content, content])));
    const { failure, folder } = await downloading(client);
    expect(failure).toMatchObject({ code: 'answer-malformed' });
    expect(await readdir(folder)).not.toContain('archive');
  });
});
