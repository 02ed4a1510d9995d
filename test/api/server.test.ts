import { connect } from 'node:net';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientError, serialErrorBody, storeErrorBody } from '../../src/api/errors.ts';
import { startServer } from '../../src/api/server.ts';
import { AirlockError, type ErrorKind } from '../../src/errors.ts';

describe('a server', () => {
  it('tells where it listens and lets what is in flight finish when it stops', async () => {
    let finish = (): void => undefined;
    let arrived = (): void => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const app = new Hono().get('/', async (c) => {
      arrived();
      await new Promise<void>((resolve) => (finish = resolve));
      return c.text('done');
    });
    const server = await startServer({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    const answer = fetch(server.url);
    await inFlight;
    // An hour of grace: whoever is done is not waited for.
    const closed = server.close(3_600_000);
    finish();
    expect(await (await answer).text()).toBe('done');
    await closed;
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('cuts off who does not come to an end', async () => {
    const app = new Hono().get('/', () => new Promise<Response>(() => undefined));
    const server = await startServer({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
    const answer = fetch(server.url).then(
      () => 'answered',
      () => 'cut off',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close(50);
    expect(await answer).toBe('cut off');
  });

  it('says so when its address is taken', async () => {
    const first = await startServer({ fetch: () => new Response(), host: '127.0.0.1', port: 0 });
    onTestFinished(() => first.close(0));
    const second = startServer({ fetch: () => new Response(), host: '127.0.0.1', port: first.port });
    await expect(second).rejects.toMatchObject({
      code: 'listen-failed',
      kind: 'unavailable',
      message: expect.stringMatching(
        /^cannot listen on \S+: another program listens there; stop it, or choose another port$/,
      ),
    });
  });

  it('does not break over what is not HTTP', async () => {
    const server = await startServer({ fetch: () => new Response('ok'), host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close(0));
    const socket = connect(server.port, '127.0.0.1');
    socket.write('\u0016\u0003\u0001 not http\r\n\r\n');
    const answer = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
    expect(await (await fetch(server.url)).text()).toBe('ok');
  });
});

describe('an error', () => {
  it.each([
    ['invalid', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not-found', 404],
    ['conflict', 409],
    ['too-large', 413],
    ['unavailable', 503],
  ] as const satisfies readonly (readonly [ErrorKind, number])[])(
    'of kind %s has status %i and its own words',
    (kind, status) => {
      const error = new AirlockError(kind, 'some-code', 'cannot do that: try this');
      expect(clientError(error)).toEqual({ status, code: 'some-code', message: 'cannot do that: try this' });
    },
  );

  it('that is our own mistake tells nothing', () => {
    for (const error of [
      new Error('secret path'),
      new AirlockError('internal', 'x', 'secret'),
      'secret',
      undefined,
    ]) {
      expect(clientError(error)).toMatchObject({ status: 500, code: 'internal-error' });
      expect(JSON.stringify(clientError(error))).not.toContain('secret');
    }
  });

  it('has two envelopes, which differ in a hyphen', () => {
    const seen = { code: 'c', message: 'm' };
    expect(JSON.parse(storeErrorBody(seen))).toEqual({ 'error-list': [seen] });
    expect(JSON.parse(serialErrorBody(seen))).toEqual({ message: 'm', error_list: [seen] });
  });
});
