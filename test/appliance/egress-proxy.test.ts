import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../src/api/server.ts';
import { selfSigned } from '../../src/api/tls/self-signed.ts';
import { followEgressProxy } from '../../src/appliance/egress-proxy.ts';
import { settingKey, normalSetting } from '../../src/config/index.ts';
import { createLog } from '../../src/telemetry/index.ts';
import { eventually } from '../support/processes.ts';
import { newHost } from '../workflows/carried-store.ts';

/** A proxy that notes where it was asked to connect to, and connects to this machine whatever the name. */
async function proxyTo(port: number): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((_, response) => void response.writeHead(405).end());
  proxy.on('connect', (request, client, head) => {
    asked.push(request.url ?? '');
    const there = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      there.write(head);
      there.pipe(client);
      client.pipe(there);
    });
    there.on('error', () => client.destroy());
    client.on('error', () => there.destroy());
  });
  return { url: `http://127.0.0.1:${await portOf(proxy)}`, asked };
}

function portOf(server: Server): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

test('what goes out by HTTPS goes through proxy.https.proxy from the moment it is set, with the CAs that are trusted', async () => {
  const random = (size: number) => new Uint8Array(randomBytes(size));
  const tls = await selfSigned(['store.example'], new Date(), random);
  const usual = getCACertificates('default');
  setDefaultCACertificates([...usual, tls.cert]);
  onTestFinished(() => setDefaultCACertificates(usual));
  const fetchOf = () => new Response('the store');
  const store = await startServer({ fetch: fetchOf, host: '127.0.0.1', port: 0, tls });
  onTestFinished(() => store.close(0));
  const proxy = await proxyTo(store.port);
  const host = await newHost();
  const stop = await followEgressProxy({ ...host, log: createLog('silent'), env: {} });
  onTestFinished(stop);
  const ask = async () => (await fetch('https://store.example:9443/')).text().catch(() => 'unreachable');
  await expect(ask()).rejects.toThrow();
  const set = (value: string | undefined) =>
    host.settings.change(
      new Map([['proxy.https.proxy', value === undefined ? undefined : { value, secret: false }]]),
      new Date(),
    );
  await set(proxy.url);
  await eventually('the proxy is used', async () => (await ask().catch(() => '')) === 'the store');
  expect(proxy.asked.at(-1)).toBe('store.example:9443');
  const before = proxy.asked.length;
  const own = await startServer({ fetch: fetchOf, host: '127.0.0.1', port: 0 });
  onTestFinished(() => own.close(0));
  expect(await (await fetch(own.url)).text()).toBe('the store');
  expect(proxy.asked).toHaveLength(before);
  await set(undefined);
  await eventually(
    'the proxy is left',
    async () => (await ask().catch(() => 'unreachable')) === 'unreachable',
  );
});

test('an address that is none is refused when it is set', () => {
  const key = settingKey('proxy.https.proxy');
  expect(normalSetting(key, 'http://proxy.example:3128')).toBe('http://proxy.example:3128');
  for (const written of ['proxy.example:3128', 'socks5://proxy.example', 'nonsense'])
    expect(() => normalSetting(key, written)).toThrow(/^cannot use this value of proxy.https.proxy/);
});
