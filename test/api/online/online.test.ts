import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../../support/processes.ts';
import { between, serve } from './between.ts';

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

  test('says 503 when its upstream is away, so that devices ask again', async () => {
    const { online, upstream } = await between();
    await upstream.close(0);
    const answer = await fetch(`${online.url}/v2/assertions/account/my-brand`);
    expect(answer.status).toBe(503);
  });
});
