import { describe, expect, it } from 'vitest';
import type { HttpBindings } from '@hono/node-server';
import { createFront, type Answering } from '../../src/api/front.ts';

const named = (name: string): Answering => ({
  fetch: (request) => new Response(`${name} ${new URL(request.url).pathname}`),
});
const fetchFrom = createFront(
  [
    { prefix: '/publishergw', app: named('admin'), strip: true },
    { prefix: '/v1/request-id', app: named('serials') },
    { prefix: '/v1/brand/', app: named('admin') },
  ],
  named('device'),
);
const bindings: HttpBindings = Object.create(null);
const ask = async (path: string) =>
  (await fetchFrom(new Request(`http://store.example:8000${path}`), bindings)).text();

describe('the front', () => {
  it.each([
    ['/', 'device /'],
    ['/v2/snaps/refresh', 'device /v2/snaps/refresh'],
    ['/v1/request-id', 'serials /v1/request-id'],
    ['/v1/request-id?x=/v1/brand/', 'serials /v1/request-id'],
    ['/v1/request-ids', 'device /v1/request-ids'],
    ['/v1/brand/acme/model', 'admin /v1/brand/acme/model'],
    ['/v1/brand', 'device /v1/brand'],
    ['/publishergw/v1/tokens/whoami', 'admin /v1/tokens/whoami'],
    ['/publishergw', 'admin /'],
    ['/publishergwx', 'device /publishergwx'],
  ])('sends %s to its app', async (path, answer) => {
    expect(await ask(path)).toBe(answer);
  });

  it('keeps method, headers and body of a request whose prefix it takes off', async () => {
    const echo: Answering = {
      fetch: async (request) =>
        new Response(`${request.method} ${request.headers.get('x-a')} ${await request.text()}`),
    };
    const front = createFront([{ prefix: '/p', app: echo, strip: true }], named('rest'));
    const request = new Request('http://h/p/q', { method: 'POST', headers: { 'x-a': '1' }, body: 'hello' });
    expect(await (await front(request, bindings)).text()).toBe('POST 1 hello');
  });
});
