import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createSecretServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { selfSigned } from '../../src/api/tls/self-signed.ts';
import { trustOnly } from '../../src/config/index.ts';
import { StoreClient, download } from '../../src/upstream/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const bytes = randomBytes(3_000_000);
const digest = createHash('sha3-384').update(bytes).digest('hex');

/** A server that breaks off after so many bytes, as often as told. */
let server: Server;
let breaks: number[];
let ranges: boolean;
let seen: { range: string | undefined; authorization: string | undefined }[];
let content: Buffer;
let url: string;
/** An address to lead to instead, and a status to refuse with. */
let elsewhere: string | undefined;
let refusal: number | undefined;

beforeEach(async () => {
  [breaks, ranges, seen, content] = [[], true, [], bytes];
  [elsewhere, refusal] = [undefined, undefined];
  server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    seen.push({ range, authorization });
    if (elsewhere !== undefined || refusal !== undefined) {
      response.writeHead(refusal ?? 302, elsewhere === undefined ? {} : { location: elsewhere }).end();
      return;
    }
    const from = ranges ? Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0) : 0;
    const end = breaks.shift() ?? content.length;
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': content.length - from });
    response.write(content.subarray(from, Math.max(from, end)), () => {
      if (end < content.length) response.destroy();
      else response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z(server.address());
  url = `http://127.0.0.1:${port}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

function z(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('no address');
  return address;
}

async function target() {
  const folder = await temporaryFolder();
  const path = join(folder, digest);
  const client = new StoreClient({
    url,
    login: { file: { root: 'secret', discharge: undefined }, authorization: 'Macaroon root="secret"' },
  });
  const run = (from = `${url}/snap`) =>
    download(
      client,
      { url: from, digest, size: bytes.length, path },
      { signal: new AbortController().signal },
    );
  return { folder, path, run };
}

describe('a download', () => {
  test('follows a store to where its files are, and takes the login to no other host', async () => {
    const files = createServer((request, response) => {
      seen.push({ range: request.headers.range, authorization: request.headers.authorization });
      response.end(bytes);
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => files.close(() => resolve())));
    elsewhere = `http://localhost:${z(files.address()).port}/file`;
    const { path, run } = await target();
    await run();
    expect(await readFile(path)).toEqual(bytes);
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Macaroon root="secret"', undefined]);
    elsewhere = `${url}/round`;
    const round = await target();
    await expect(round.run()).rejects.toMatchObject({ code: 'upstream-unreachable' });
  });

  test('comes whole over TLS from a host whose certificate is trusted, and not at all from another', async () => {
    const certificate = await selfSigned(
      ['127.0.0.1'],
      new Date(),
      (size) => new Uint8Array(randomBytes(size)),
    );
    const files = createSecretServer(certificate, (_request, response) => {
      // With its length announced and many records sent at once, as web servers do.
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => files.close(() => resolve())));
    const address = `https://127.0.0.1:${z(files.address()).port}/file`;
    const { path, run } = await target();
    await expect(run(address)).rejects.toMatchObject({ code: 'upstream-unreachable' });
    onTestFinished(trustOnly(certificate.cert));
    await run(address);
    expect(await readFile(path)).toEqual(bytes);
  });

  test.each([
    [401, 'login-refused'],
    [403, 'role-missing'],
    [404, 'upstream-refused'],
    [503, 'upstream-unreachable'],
  ])('that is answered with %d ends with %s', async (status, code) => {
    refusal = status;
    const { folder, run } = await target();
    await expect(run()).rejects.toMatchObject({ code });
    expect(await readdir(folder)).toEqual([]);
  });

  test('goes on where a broken connection left it', async () => {
    breaks = [1_000_000, 2_000_000];
    const { folder, path, run } = await target();
    await expect(run()).rejects.toMatchObject({ code: 'upstream-unreachable', kind: 'unavailable' });
    await expect(run()).rejects.toMatchObject({ code: 'upstream-unreachable' });
    await run();
    expect(await readFile(path)).toEqual(bytes);
    expect(await readdir(folder)).toEqual([digest]);
    expect(seen.slice(1).every(({ range }) => range?.startsWith('bytes='))).toBe(true);
  });

  test('begins anew where the server knows no ranges', async () => {
    ranges = false;
    breaks = [1_500_000];
    const { path, run } = await target();
    await expect(run()).rejects.toMatchObject({ code: 'upstream-unreachable' });
    await run();
    expect(await readFile(path)).toEqual(bytes);
  });

  test('never gives its name to other bytes', async () => {
    content = randomBytes(bytes.length);
    const { folder, run } = await target();
    await expect(run()).rejects.toMatchObject({ code: 'download-corrupt' });
    expect(await readdir(folder)).toEqual([]);
    content = Buffer.concat([bytes, Buffer.alloc(10)]);
    await expect(run()).rejects.toMatchObject({ code: 'download-corrupt' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('whose part was spoilt on the disk is made again', async () => {
    const { folder, path, run } = await target();
    await writeFile(`${path}.part`, randomBytes(10_000));
    await expect(run()).rejects.toMatchObject({ code: 'download-corrupt' });
    await run();
    expect(await readdir(folder)).toEqual([digest]);
  });

  test('that was whole before is digested again, and made again when the disk has lost of it', async () => {
    const { path, run } = await target();
    await run();
    await run();
    expect(seen).toHaveLength(1);
    await writeFile(path, Buffer.alloc(bytes.length));
    await expect(run()).rejects.toMatchObject({ code: 'download-corrupt' });
    await run();
    expect(await readFile(path)).toEqual(bytes);
  });

  test('sends the login to the upstream store, and to no other host', async () => {
    const { run } = await target();
    await run();
    expect(seen[0]?.authorization).toBe('Macaroon root="secret"');
    const other = await target();
    await other.run(`${url.replace('127.0.0.1', 'localhost')}/snap`).catch(() => undefined);
    expect(seen.slice(1).every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});
