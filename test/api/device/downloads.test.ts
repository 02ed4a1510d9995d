import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOfFile } from '../../../src/storage/index.ts';
import type { HandOver } from '../../../src/api/device/index.ts';
import { Client } from './client.ts';
import { addSnap } from './snap-rows.ts';
import { makeWorld, snapIdOf, type World } from './world.ts';

const LARGE = 20 * 1024 * 1024;
let world: World;
let acme: Client;
let session: string;
let content: string;
let handOver: HandOver | undefined;

const file = `/api/v1/snaps/download/${snapIdOf('agent')}_1.snap`;
const large = `/api/v1/snaps/download/${snapIdOf('large')}_1.snap`;

beforeAll(async () => {
  world = await makeWorld({ handOver: async (...args) => handOver?.(...args) });
  await world.addSnap({ name: 'agent', storeId: 'acme-store', private: true, icon: 'not really a picture' });
  content = 'agent revision 1 '.repeat(200);
  const path = join(world.blobs.stagingFolder, 'large');
  await writeFile(path, createHash('shake256', { outputLength: LARGE }).update('x').digest());
  const { digest } = await digestOfFile(path);
  await world.blobs.adopt(path, digest);
  await world.change((queries) =>
    addSnap(queries, {
      snapId: snapIdOf('large'),
      name: 'large',
      storeId: 'acme-store',
      private: true,
      publisherId: 'acme',
      revisions: [{ revision: 1, sha3_384: digest, size: LARGE, snapYaml: 'name: large\nversion: 1' }],
      releases: [],
    }),
  );
  session = await world.session(world.acme);
  acme = new Client(world, session);
});

afterAll(() => world.close());

describe('a download', () => {
  it('gives the whole file with what a client needs to resume it', async () => {
    const reply = await acme.ask(file);
    expect(reply.status).toBe(200);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(content.length),
      'accept-ranges': 'bytes',
      etag: `"${world.snaps['agent']?.digests[0]}"`,
      'snap-store-version': '60',
    });
    expect(await reply.text()).toBe(content);
  });

  it('is never compressed', async () => {
    const reply = await acme.ask(file, undefined, { 'accept-encoding': 'gzip' });
    expect(reply.headers.get('content-encoding')).toBeNull();
  });

  it('gives exactly the part that is asked for', async () => {
    const reply = await acme.ask(file, undefined, { range: 'bytes=100-' });
    expect(reply.status).toBe(206);
    expect(reply.headers.get('content-range')).toBe(`bytes 100-${content.length - 1}/${content.length}`);
    expect(await reply.text()).toBe(content.slice(100));
    const last = await acme.ask(file, undefined, { range: 'bytes=-5' });
    expect(await last.text()).toBe(content.slice(-5));
  });

  it('begins anew when the client’s part is of another file', async () => {
    const etag = `"${world.snaps['agent']?.digests[0]}"`;
    expect((await acme.ask(file, undefined, { range: 'bytes=5-', 'if-range': etag })).status).toBe(206);
    expect((await acme.ask(file, undefined, { range: 'bytes=5-', 'if-range': '"other"' })).status).toBe(200);
    expect((await acme.ask(file, undefined, { 'if-none-match': etag })).status).toBe(304);
  });

  it('says how long the file is when the range lies behind its end', async () => {
    const reply = await acme.ask(file, undefined, { range: `bytes=${content.length}-` });
    expect(reply.status).toBe(416);
    expect(reply.headers.get('content-range')).toBe(`bytes */${content.length}`);
  });

  it('answers HEAD as GET, without the bytes', async () => {
    const reply = await fetch(world.url + file, {
      method: 'HEAD',
      headers: { 'x-device-authorization': `Macaroon root="${session}"` },
    });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-length')).toBe(String(content.length));
    expect(await reply.text()).toBe('');
  });

  it.each([
    `/api/v1/snaps/download/${snapIdOf('agent')}_9.snap`,
    `/api/v1/snaps/download/${snapIdOf('agent')}_0.snap`,
    `/api/v1/snaps/download/${snapIdOf('agent')}_1_2_xdelta3.delta`,
    `/api/v1/snaps/download/${snapIdOf('agent')}+nothing_1.comp`,
    '/api/v1/snaps/download/..%2f..%2fetc%2fpasswd',
    '/api/v1/snaps/download/%00',
    '/api/v1/snaps/download/',
  ])('is not there: %s', async (path) => {
    expect((await acme.ask(path)).status).toBe(404);
  });

  it('leaves no file open when the client goes away in the middle', async () => {
    const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const before = await open();
    await Promise.all(Array.from({ length: 20 }, () => breakOff(world.url + large)));
    await expect.poll(open, { timeout: 10_000 }).toBeLessThanOrEqual(before);
    expect(world.mistakes).toEqual([]);
  });

  it('answers a part that was broken off before', async () => {
    const whole = Buffer.from(await (await acme.ask(large)).arrayBuffer());
    const rest = Buffer.from(
      await (await acme.ask(large, undefined, { range: 'bytes=10000000-' })).arrayBuffer(),
    );
    expect(rest.equals(whole.subarray(10_000_000))).toBe(true);
  });
});

function breakOff(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { headers: { 'x-device-authorization': `Macaroon root="${session}"` }, agent: false },
      (reply) => {
        reply.once('data', () => {
          request.destroy();
          resolve();
        });
      },
    );
    request.on('error', reject);
  });
}

describe('an icon', () => {
  const address = async (): Promise<string> => {
    const reply = (await (await acme.ask('/v2/snaps/info/agent?fields=media')).json()) as {
      snap: { media: { url: string }[] };
    };
    return reply.snap.media[0]?.url.slice(world.url.length) ?? '';
  };

  it('is fetched without a session at the address that only those learn who see the snap', async () => {
    const path = await address();
    const reply = await fetch(world.url + path);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-length')).toBe(String('not really a picture'.length));
    const etag = reply.headers.get('etag') ?? '';
    expect(etag.length).toBeLessThan(256);
    expect((await fetch(world.url + path, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('is not there at a guessed address', async () => {
    const path = (await address()).replace(/_[0-9a-f]{32}\.icon$/, `_${'0'.repeat(32)}.icon`);
    expect((await fetch(world.url + path)).status).toBe(404);
  });
});

describe('a file handed over', () => {
  it('is redirected after the session was checked, for as long as nobody else can use it', async () => {
    handOver = async (blob, name) => ({
      redirect: `https://files.example/${blob.digest}?name=${name}&signature=x`,
    });
    const headers = { 'x-device-authorization': `Macaroon root="${session}"` };
    const reply = await fetch(world.url + file, { redirect: 'manual', headers });
    expect(reply.status).toBe(302);
    expect(reply.headers.get('location')).toContain(
      `https://files.example/${world.snaps['agent']?.digests[0]}`,
    );
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect((await fetch(world.url + file, { redirect: 'manual' })).status).toBe(404);
  });

  it('is named to a front server', async () => {
    handOver = async (blob) => ({ header: ['x-accel-redirect', `/blobs/${blob.digest}`] });
    const reply = await acme.ask(file);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-accel-redirect')).toBe(`/blobs/${world.snaps['agent']?.digests[0]}`);
    handOver = undefined;
  });
});
