import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { StoreClient } from '../../src/upstream/index.ts';
import { askPlainly, type PlainAnswer } from '../../src/upstream/plain-answer.ts';

type Answering = (socket: Socket, request: string) => unknown;

/** A server that does what it is told as soon as a request is there, and its address. */
async function serving(answering: Answering) {
  const server = createServer((socket) => {
    let request = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      request += bytes.toString('latin1');
      if (request.endsWith('\r\n\r\n')) answering(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return new URL(`http://127.0.0.1:${port}/a%20file?of=1`);
}

const never = new AbortController().signal;

async function bytesOf(answer: PlainAnswer): Promise<Buffer> {
  if (answer.kind !== 'bytes') throw new Error(`no bytes: ${answer.kind}`);
  const pieces: Buffer[] = [];
  for await (const piece of answer.body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Sends pieces each of which the other side has before the next one goes. */
async function send(socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  socket.setNoDelay(true);
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
}

const head = (...lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

describe('a plain question', () => {
  test('says what is wanted, of which host, and that the connection serves for this alone', async () => {
    let said = '';
    const url = await serving((socket, request) => {
      said = request;
      socket.end(head('HTTP/1.1 200 OK', 'Content-Length: 0'));
    });
    await askPlainly(url, { range: 'bytes=7-', authorization: 'Macaroon root="secret"' }, never);
    expect(said.split('\r\n')).toEqual([
      'GET /a%20file?of=1 HTTP/1.1',
      `host: ${url.host}`,
      'range: bytes=7-',
      'authorization: Macaroon root="secret"',
      'accept-encoding: identity',
      'connection: close',
      '',
      '',
    ]);
  });

  test('is answered with all bytes, however they come in pieces', async () => {
    const content = randomBytes(700_000);
    const whole = Buffer.concat([head('HTTP/1.1 200 OK', `Content-Length: ${content.length}`), content]);
    const cut = fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: whole.length - 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { maxLength: 8 }), async (cuts) => {
        const places = [0, ...new Set(cuts), whole.length].toSorted((a, b) => a - b);
        const pieces = places.slice(1).map((end, n) => whole.subarray(places[n], end));
        const url = await serving((socket) => send(socket, pieces));
        expect((await bytesOf(await askPlainly(url, {}, never))).equals(content)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('leads elsewhere where the answer does', async () => {
    const lead = async (location: string) => {
      const url = await serving((socket) => socket.end(head('HTTP/1.1 302 Found', `Location: ${location}`)));
      return { url, answer: await askPlainly(url, {}, never) };
    };
    expect((await lead('https://files.example/x')).answer).toEqual({
      kind: 'elsewhere',
      url: new URL('https://files.example/x'),
    });
    const { url, answer } = await lead('/other');
    expect(answer).toEqual({ kind: 'elsewhere', url: new URL('/other', url.href) });
  });

  test.each<[string, ...string[]]>([
    ['a refusal', 'HTTP/1.1 404 Not Found', 'Content-Length: 4'],
    ['bytes in chunks', 'HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
    [
      'chunks that also announce a length',
      'HTTP/1.1 200 OK',
      'Content-Length: 4',
      'transfer-encoding: chunked',
    ],
    ['packed bytes', 'HTTP/1.1 200 OK', 'Content-Length: 4', 'Content-Encoding: gzip'],
    ['bytes without a length', 'HTTP/1.1 200 OK'],
    ['two lengths', 'HTTP/1.1 200 OK', 'Content-Length: 4', 'content-length: 5'],
    ['a length that is no number', 'HTTP/1.1 200 OK', 'Content-Length: 0x4'],
    ['a list of lengths', 'HTTP/1.1 200 OK', 'Content-Length: 4, 4'],
    ['a folded line', 'HTTP/1.1 200 OK', 'X: 1', ' Content-Length: 4'],
    ['a space before the colon', 'HTTP/1.1 200 OK', 'Content-Length : 4'],
    ['another protocol', 'SSH-2.0-OpenSSH', 'Content-Length: 4'],
    ['news before the answer', 'HTTP/1.1 103 Early Hints', 'Link: </x>'],
    ['a place that is none', 'HTTP/1.1 302 Found', 'Location: http://['],
  ])('leaves %s to an HTTP client', async (_what, ...lines) => {
    const url = await serving((socket) => socket.end(Buffer.concat([head(...lines), Buffer.from('abcd')])));
    expect(await askPlainly(url, {}, never)).toEqual({ kind: 'other' });
  });

  test('is not answered by a connection that ends too early', async () => {
    const nothing = await serving((socket) => socket.end());
    await expect(askPlainly(nothing, {}, never)).rejects.toThrow('ended before an answer came');
    const half = await serving((socket) => socket.end(head('HTTP/1.1 200 OK').subarray(0, 10)));
    await expect(askPlainly(half, {}, never)).rejects.toThrow('ended before an answer came');
    const short = await serving((socket) =>
      socket.end(Buffer.concat([head('HTTP/1.1 200 OK', 'Content-Length: 10'), Buffer.from('abc')])),
    );
    await expect(bytesOf(await askPlainly(short, {}, never))).rejects.toThrow('ended 7 bytes too early');
    const reset = await serving((socket) => socket.resetAndDestroy());
    await expect(askPlainly(reset, {}, never)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('takes what was announced, and nothing behind it', async () => {
    const url = await serving((socket) =>
      socket.write(Buffer.concat([head('HTTP/1.1 200 OK', 'Content-Length: 3'), Buffer.from('abcdef')])),
    );
    expect(String(await bytesOf(await askPlainly(url, {}, never)))).toBe('abc');
  });

  test('is given up on a head without end', async () => {
    const url = await serving((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(2 ** 19)}`));
    await expect(askPlainly(url, {}, never)).rejects.toThrow('longer than');
  });

  test('can be stopped before and amid the answer', async () => {
    const url = await serving((socket) => socket.write(head('HTTP/1.1 200 OK', 'Content-Length: 9')));
    await expect(askPlainly(url, {}, AbortSignal.abort())).rejects.toThrow('stopped');
    const stop = new AbortController();
    const answer = await askPlainly(url, {}, stop.signal);
    const reading = bytesOf(answer);
    stop.abort();
    await expect(reading).rejects.toThrow('stopped');
  });

  test('ends the connection when its reader goes away', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serving((socket) => {
      socket.on('close', () => closed.resolve());
      socket.write(Buffer.concat([head('HTTP/1.1 200 OK', 'Content-Length: 99'), Buffer.from('abc')]));
    });
    const answer = await askPlainly(url, {}, never);
    if (answer.kind !== 'bytes') throw new Error('no bytes');
    for await (const piece of answer.body) {
      expect(String(piece)).toBe('abc');
      break;
    }
    await closed.promise;
  });
});

test('a large file comes by fetch where Node is told to use the proxies of the environment', async () => {
  const asked: string[] = [];
  const url = await serving((socket, request) => {
    asked.push(request);
    socket.end(Buffer.concat([head('HTTP/1.1 200 OK', 'content-length: 3'), Buffer.from('abc')]));
  });
  const client = new StoreClient({ url: url.origin });
  const told = async () => {
    const { body } = await client.open({ url: url.href, offset: 0, size: 2 ** 30 }, never);
    const pieces: Buffer[] = [];
    for await (const piece of body) pieces.push(Buffer.from(piece));
    return String(Buffer.concat(pieces));
  };
  expect(await told()).toBe('abc');
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await told()).toBe('abc');
  const isPlain = (request: string) => /accept-encoding: identity/i.test(request);
  expect(asked.map(isPlain)).toEqual([true, false]);
});
