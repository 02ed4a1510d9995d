import { randomBytes } from 'node:crypto';
import { get } from 'node:https';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startServer } from '../../src/api/server.ts';
import { selfSigned } from '../../src/api/tls/self-signed.ts';
import { followEgressTrust } from '../../src/appliance/egress-trust.ts';
import { openFoundation } from '../../src/appliance/foundation.ts';
import { startListeners } from '../../src/appliance/listeners.ts';
import { EGRESS_CA_SETTING } from '../../src/storage/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const NOW = new Date();
const random = (size: number) => new Uint8Array(randomBytes(size));

async function foundationOfTest() {
  const foundation = await openFoundation({ data: await temporaryFolder(), env: {}, log: silentLog() });
  onTestFinished(() => foundation.database.close());
  const set = (key: string, value: string | undefined) =>
    foundation.settings.change(
      new Map([[key, value === undefined ? undefined : { value, secret: key.endsWith('.key') }]]),
      NOW,
    );
  return { foundation, set };
}

test('HTTPS comes, changes and goes with the certificate, without a restart, and HTTP redirects meanwhile', async () => {
  const { foundation, set } = await foundationOfTest();
  const listeners = await startListeners(foundation, {
    fetch: (request) => new Response(new URL(request.url).protocol),
    host: '127.0.0.1',
    port: 0,
    httpsPort: 0,
  });
  onTestFinished(() => listeners.close());
  const plain = (path: string, init: RequestInit = {}) =>
    fetch(`${listeners.url}${path}`, { redirect: 'manual', ...init });
  expect(listeners.httpsUrl()).toBeUndefined();
  expect(await (await plain('/')).text()).toBe('http:');

  const first = await selfSigned(['localhost', '127.0.0.1'], NOW, random);
  await set('proxy.tls.cert', first.cert);
  await set('proxy.tls.key', first.key);
  const url = await vi.waitFor(() => {
    const found = listeners.httpsUrl();
    if (found === undefined) throw new Error('not yet');
    return found;
  }, 20_000);
  await vi.waitFor(async () => expect((await plain('/')).status).toBe(301), 20_000);
  const moved = await plain('/v2/snaps/info/x?fields=name');
  expect(moved.headers.get('location')).toBe(`${url}/v2/snaps/info/x?fields=name`);
  expect(moved.headers.has('strict-transport-security')).toBe(false);
  expect((await plain('/v2/snaps/refresh', { method: 'POST', body: '{}' })).status).toBe(308);
  // Commands on this machine, and probes, go on as they were.
  expect((await plain('/ops/v1/status')).status).toBe(200);
  expect((await plain('/_status/check')).status).toBe(200);
  // Who does not trust the certificate yet has to get it somewhere.
  expect((await plain('/v2/setup/ca.crt')).status).toBe(200);
  expect((await plain('/v2/setup/script')).status).toBe(301);
  expect(await overHttps(url, first.cert)).toBe('https:');

  const second = await selfSigned(['localhost', '127.0.0.1'], NOW, random);
  await foundation.settings.change(
    new Map([
      ['proxy.tls.cert', { value: second.cert, secret: false }],
      ['proxy.tls.key', { value: second.key, secret: true }],
    ]),
    NOW,
  );
  await vi.waitFor(async () => expect(await overHttps(url, second.cert)).toBe('https:'), 20_000);
  await expect(overHttps(url, first.cert)).rejects.toThrow();

  await set('proxy.tls.cert', undefined);
  await vi.waitFor(async () => expect((await plain('/')).status).toBe(200), 20_000);
  expect(listeners.httpsUrl()).toBeUndefined();
});

test('a front server that speaks HTTPS is believed when the setting says so', async () => {
  const { foundation, set } = await foundationOfTest();
  const { cert, key } = await selfSigned(['localhost'], NOW, random);
  await set('proxy.tls.cert', cert);
  await set('proxy.tls.key', key);
  await set('proxy.trust-forwarded-proto', 'True');
  const fetchOk = () => new Response('ok');
  const listeners = await startListeners(foundation, {
    fetch: fetchOk,
    host: '127.0.0.1',
    port: 0,
    httpsPort: 0,
  });
  onTestFinished(() => listeners.close());
  const headers = { 'x-forwarded-proto': 'https' };
  expect((await fetch(listeners.url, { redirect: 'manual', headers })).status).toBe(200);
  expect((await fetch(listeners.url, { redirect: 'manual' })).status).toBe(301);
});

test('a certificate that cannot be used does not keep devices from the store', async () => {
  const { foundation, set } = await foundationOfTest();
  await set('proxy.tls.cert', 'no certificate');
  await set('proxy.tls.key', 'no key');
  const fetchOk = () => new Response('ok');
  const listeners = await startListeners(foundation, {
    fetch: fetchOk,
    host: '127.0.0.1',
    port: 0,
    httpsPort: 0,
  });
  onTestFinished(() => listeners.close());
  expect((await fetch(listeners.url, { redirect: 'manual' })).status).toBe(200);
});

test('HTTPS comes as soon as whoever held its port lets it go', async () => {
  const { foundation, set } = await foundationOfTest();
  const { cert, key } = await selfSigned(['localhost', '127.0.0.1'], NOW, random);
  const fetchOk = () => new Response('ok');
  const holder = await startServer({ fetch: fetchOk, host: '127.0.0.1', port: 0 });
  await set('proxy.tls.cert', cert);
  await set('proxy.tls.key', key);
  const httpsPort = holder.port;
  const listeners = await startListeners(foundation, {
    fetch: fetchOk,
    host: '127.0.0.1',
    port: 0,
    httpsPort,
  });
  onTestFinished(() => listeners.close());
  expect(listeners.httpsUrl()).toBeUndefined();
  expect((await fetch(listeners.url, { redirect: 'manual' })).status).toBe(200);

  await holder.close();
  await vi.waitFor(() => expect(listeners.httpsUrl()).toBe(`https://127.0.0.1:${httpsPort}`), 20_000);
  expect(await overHttps(`https://127.0.0.1:${httpsPort}`, cert)).toBe('ok');
});

test('connections to other hosts trust the given CAs alone, until these are removed', async () => {
  const { foundation, set } = await foundationOfTest();
  const { cert, key } = await selfSigned(['localhost', '127.0.0.1'], NOW, random);
  const other = await startServer({
    fetch: () => new Response('ok'),
    host: '127.0.0.1',
    port: 0,
    tls: { cert, key },
  });
  onTestFinished(() => other.close(0));
  const ask = () => fetch(other.url, { headers: { connection: 'close' } }).then((answer) => answer.text());
  const stop = await followEgressTrust(foundation);
  onTestFinished(stop);
  await expect(ask()).rejects.toThrow();
  await set(EGRESS_CA_SETTING, cert);
  await vi.waitFor(async () => expect(await ask()).toBe('ok'), 20_000);
  await set(EGRESS_CA_SETTING, undefined);
  await vi.waitFor(() => expect(ask()).rejects.toThrow(), 20_000);
});

function overHttps(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text));
    }).on('error', reject);
  });
}
