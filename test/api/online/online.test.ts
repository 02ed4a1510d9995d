import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../../support/processes.ts';
import { between, onlineBefore, serve } from './between.ts';

const answerSchema = z.object({
  results: z.array(
    z.looseObject({
      snap: z.looseObject({ download: z.object({ 'sha3-384': z.string(), url: z.string() }).loose() }),
    }),
  ),
});

async function install(url: string, name: string) {
  const response = await fetch(`${url}/v2/snaps/refresh`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'snap-device-architecture': 'amd64',
      'snap-device-series': '16',
    },
    body: JSON.stringify({
      context: [],
      actions: [{ action: 'install', 'instance-key': 'i', name, channel: 'latest/stable', epoch: null }],
      fields: ['download', 'revision', 'name', 'snap-id'],
    }),
  });
  const [result] = answerSchema.parse(await response.json()).results;
  return result?.snap.download ?? { 'sha3-384': '', url: '' };
}

const sha3 = (bytes: Uint8Array) => createHash('sha3-384').update(bytes).digest('hex');

describe('an online host', () => {
  test('forwards store calls, gives downloads out itself, and asks its upstream for each only once', async () => {
    const { online, upstream, asked, kept } = await between();
    const download = await install(online.url, 'my-base');
    expect(download.url.startsWith(`${online.url}/cached/`)).toBe(true);
    const files = () => asked.filter((one) => one.startsWith('GET') && one.includes('download')).length;
    const bytes = new Uint8Array(await (await fetch(download.url)).arrayBuffer());
    expect(sha3(bytes)).toBe(download['sha3-384']);
    await eventually('the file is kept', async () => (await kept()).length === 1);
    const before = files();
    const part = await fetch(download.url, { headers: { range: 'bytes=10-19' } });
    expect(part.status).toBe(206);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(10, 20));
    expect(files()).toBe(before);
    const path = '/v2/assertions/account/my-brand';
    const [own, theirs] = await Promise.all(
      [online, upstream].map(async ({ url }) => (await fetch(url + path)).text()),
    );
    expect(own).toBe(theirs);
    expect((await fetch(`${online.url}/v2/snaps/info/absent`)).status).toBe(404);
  });

  test('keeps no more than its limit, and nothing of a download that was broken off', async () => {
    const { online, kept, folder } = await between(5000);
    const [one, two] = [await install(online.url, 'my-base'), await install(online.url, 'snapd')];
    await (await fetch(one.url)).arrayBuffer();
    await eventually('the first is kept', async () => (await kept()).length === 1);
    await (await fetch(two.url)).arrayBuffer();
    await eventually('the second has its place', async () =>
      (await kept()).some((name) => name.endsWith(two['sha3-384'])),
    );
    await eventually('the first is gone', async () => (await kept()).length === 1);
    expect(await readdir(join(folder, 'coming'))).toEqual([]);
  });

  test('follows no address that it did not write itself', async () => {
    const { online, host } = await between();
    const download = await install(online.url, 'my-base');
    const other = new URL(download.url);
    other.searchParams.set('from', `${online.url}/ops/v1/status`);
    expect((await fetch(other)).status).toBe(404);
    expect(await host.settings.get('online.link-secret')).toBeDefined();
  });

  test('forwards serial requests to a device service that is allowed, and to no other', async () => {
    const { online, host } = await between();
    const service = new Hono().post('/v1/request-id', (context) =>
      context.json({ 'request-id': `for ${context.req.header('api-key') ?? ''}` }),
    );
    const { url } = await serve({ fetch: (request) => service.fetch(request) });
    const ask = () =>
      fetch(`${online.url}/api/v1/snaps/auth/request-id`, {
        method: 'POST',
        headers: { 'api-key': 'key', 'x-snap-device-service-url': `${url}/v1/` },
      });
    const refused = await ask();
    expect(refused.status).toBe(403);
    expect(refused.headers.get('content-type')).toBe('application/json');
    expect(await refused.json()).toMatchObject({ message: expect.stringMatching(/^cannot forward/) });
    const key = 'proxy.device-auth.allowed-device-service-urls';
    await host.settings.change(new Map([[key, { value: JSON.stringify([url]), secret: false }]]), new Date());
    expect(await (await ask()).json()).toEqual({ 'request-id': 'for key' });
  });

  test.each([
    ['a folder that is allowed', 200, (url: string) => `${url}/base`],
    ['what is below it', 200, (url: string) => `${url}/base/v1/`],
    ['the same in other letters', 200, (url: string) => url.replace('http', 'HTTP') + '/base/'],
    ['a way out of it', 403, (url: string) => `${url}/base/../other/`],
    ['a way out of it in disguise', 403, (url: string) => `${url}/base/%2e%2E/other/`],
    ['a way out of it for servers that decode slashes', 403, (url: string) => `${url}/base/..%2Fother/`],
    ['a folder whose name begins like it', 403, (url: string) => `${url}/basement/`],
    ['the same as somebody', 403, (url: string) => url.replace('//', '//somebody@') + '/base/'],
    ['the same with a question', 403, (url: string) => `${url}/base/?x=`],
    ['no address', 403, () => 'base'],
  ])('a device service that is %s: %i', async (_, status, named) => {
    const { online, host } = await between();
    const service = new Hono().post('*', (context) => context.json({ 'request-id': context.req.path }));
    const { url } = await serve({ fetch: (request) => service.fetch(request) });
    const value = JSON.stringify([`${url}/base`]);
    const key = 'proxy.device-auth.allowed-device-service-urls';
    await host.settings.change(new Map([[key, { value, secret: false }]]), new Date());
    const answer = await fetch(`${online.url}/api/v1/snaps/auth/request-id`, {
      method: 'POST',
      headers: { 'x-snap-device-service-url': named(url) },
    });
    expect(answer.status).toBe(status);
  });

  test('does not go where a device service sends it on to, and says which one is away', async () => {
    const { online, host } = await between();
    const led: string[] = [];
    const elsewhere = await serve({ fetch: (request) => new Response(String(led.push(request.url))) });
    const service = new Hono().post('*', (context) => context.redirect(`${elsewhere.url}/inside`, 307));
    const { url, close } = await serve({ fetch: (request) => service.fetch(request) });
    const key = 'proxy.device-auth.allowed-device-service-urls';
    await host.settings.change(new Map([[key, { value: JSON.stringify([url]), secret: false }]]), new Date());
    const ask = () =>
      fetch(`${online.url}/api/v1/snaps/auth/request-id`, {
        method: 'POST',
        headers: { 'x-snap-device-service-url': url },
      });
    const answer = await ask();
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({
      message: `cannot forward to the device service ${url}/request-id: it sends on to ${elsewhere.url}/inside; have devices name the address where it is now, and allow that`,
    });
    expect(led).toEqual([]);
    await close(0);
    const away = await ask();
    expect(away.status).toBe(503);
    expect(await away.json()).toMatchObject({
      message: expect.stringMatching(/^cannot reach the device service: /),
    });
  });

  test('says 503 when its upstream is away, so that devices ask again', async () => {
    const { online, upstream } = await between();
    await upstream.close(0);
    const answer = await fetch(`${online.url}/v2/assertions/account/my-brand`);
    expect(answer.status).toBe(503);
  });

  test('asks its upstream once for a file that two devices want at the same time', async () => {
    const { online, asked, kept, gate } = await slowFile();
    const [one, other] = [fetch(online.file), fetch(online.file)];
    await eventually('both were let in', () =>
      Promise.resolve(asked.filter((method) => method === 'HEAD').length === 1),
    );
    gate.open();
    for (const answer of await Promise.all([one, other])) {
      expect(answer.headers.get('content-length')).toBe(`${online.bytes.byteLength}`);
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(online.bytes);
    }
    expect(asked.filter((method) => method === 'GET')).toHaveLength(1);
    await eventually('it is kept', async () => (await kept()).length === 1);
  });

  test('goes on for the second device when the first one leaves, and stops when nobody is left', async () => {
    const { online, asked, kept, gate, folder, cut } = await slowFile();
    const leaving = new AbortController();
    const first = await fetch(online.file, { signal: leaving.signal });
    const second = await fetch(online.file);
    leaving.abort();
    await expect(first.arrayBuffer()).rejects.toThrow();
    gate.open();
    expect(new Uint8Array(await second.arrayBuffer())).toEqual(online.bytes);
    await eventually('it is kept', async () => (await kept()).length === 1);
    expect(asked.filter((method) => method === 'GET')).toHaveLength(1);
    const alone = await slowFile();
    const leavingToo = new AbortController();
    await fetch(alone.online.file, { signal: leavingToo.signal });
    leavingToo.abort();
    await eventually('the upstream is left', () => Promise.resolve(alone.cut()));
    await eventually(
      'nothing lies around',
      async () => (await readdir(join(alone.folder, 'coming'))).length === 0,
    );
    expect(cut()).toBe(false);
    expect(await readdir(join(folder, 'coming'))).toEqual([]);
  });

  test('keeps nothing of a file that its upstream breaks off, or that is another; the next one asks anew', async () => {
    const { online, gate, kept, folder, asked } = await slowFile({ breakAfterOpen: true });
    const broken = await fetch(online.file);
    gate.open();
    await expect(broken.arrayBuffer()).rejects.toThrow();
    await eventually('nothing lies around', async () => (await readdir(join(folder, 'coming'))).length === 0);
    expect(await kept()).toEqual([]);
    expect(new Uint8Array(await (await fetch(online.file)).arrayBuffer())).toEqual(online.bytes);
    expect(asked.filter((method) => method === 'GET')).toHaveLength(2);
    const other = await slowFile({ wrongDigest: true });
    other.gate.open();
    await (await fetch(other.online.file)).arrayBuffer();
    await eventually(
      'nothing lies around',
      async () => (await readdir(join(other.folder, 'coming'))).length === 0,
    );
    expect(await other.kept()).toEqual([]);
  });

  test('gives a kept file only to whom its upstream would give it, and to nobody while it is away', async () => {
    const { online, gate, kept, allow, close, asked } = await slowFile();
    gate.open();
    await (await fetch(online.file)).arrayBuffer();
    await eventually('it is kept', async () => (await kept()).length === 1);
    allow.value = false;
    expect((await fetch(online.file)).status).toBe(403);
    allow.value = true;
    expect((await fetch(online.file)).status).toBe(200);
    expect(asked.filter((method) => method === 'GET')).toHaveLength(2);
    await close();
    expect((await fetch(online.file)).status).toBe(503);
  });
});

/** An upstream with one file that it gives in two halves, the second when its gate opens, and an online host before it. */
async function slowFile(options: { breakAfterOpen?: boolean; wrongDigest?: boolean } = {}) {
  const bytes = new Uint8Array(randomBytes(600_000));
  const digest = options.wrongDigest === true ? 'ab'.repeat(48) : sha3(bytes);
  const asked: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const allow = { value: true };
  let cut = false;
  let breaks = options.breakAfterOpen === true;
  const upstream = await serve({
    fetch: (request) => {
      const url = new URL(request.url);
      if (url.pathname.startsWith('/v2/snaps/info/'))
        return Response.json({ download: { 'sha3-384': digest, url: `${url.origin}/file` } });
      asked.push(request.method);
      if (!allow.value) return new Response(null, { status: 403 });
      const headers = { 'content-length': `${bytes.byteLength}` };
      if (request.method === 'HEAD') return new Response(null, { headers });
      const halves = async function* () {
        let whole = false;
        try {
          yield bytes.subarray(0, 300_000);
          await Promise.race([
            gate.promise,
            new Promise((resolve) => request.signal.addEventListener('abort', resolve)),
          ]);
          if (request.signal.aborted) return;
          if (breaks) {
            breaks = false;
            throw new Error('the cable is cut');
          }
          yield bytes.subarray(300_000);
          whole = true;
        } finally {
          cut ||= !whole;
        }
      };
      return new Response(ReadableStream.from(halves()), { headers });
    },
  });
  const site = await onlineBefore(upstream.url);
  const info = await fetch(`${site.online.url}/v2/snaps/info/x`);
  const { download } = z.object({ download: z.object({ url: z.string() }) }).parse(await info.json());
  return {
    online: { file: download.url, bytes },
    kept: site.kept,
    folder: site.folder,
    asked,
    gate: { open: () => gate.resolve(undefined) },
    allow,
    cut: () => cut,
    close: () => upstream.close(0),
  };
}
