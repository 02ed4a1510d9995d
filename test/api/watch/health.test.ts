import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFront } from '../../../src/api/front.ts';
import { operatorCheck } from '../../../src/api/operator-gate.ts';
import { startServer } from '../../../src/api/server.ts';
import { describeCertificate } from '../../../src/api/tls/certificate-chain.ts';
import { selfSigned } from '../../../src/api/tls/self-signed.ts';
import { createHealthApi, HEALTH_PATHS, type HealthDeps } from '../../../src/api/watch/health.ts';
import { resourceOf } from '../../../src/api/watch/resources.ts';
import { watched } from '../../../src/api/watch/watched.ts';
import { storeErrorBody } from '../../../src/api/errors.ts';
import { LAST_BACKUP, openFileBlobStore, SettingStore } from '../../../src/storage/index.ts';
import { createLog, createMetrics, silentLog } from '../../../src/telemetry/index.ts';
import { temporaryDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const TOKEN = randomBytes(16).toString('hex');

const signingToken = {
  name: 'default',
  waiting: 3,
  connections: { open: 1 },
  lastProbe: { milliseconds: 20 },
  failure: undefined,
};

async function host(over: Partial<HealthDeps> = {}) {
  const folder = await temporaryFolder();
  const database = await temporaryDatabase();
  const settings = new SettingStore(database, { seal: (_, text) => text, open: (_, text) => text });
  const metrics = createMetrics({ processMetrics: false });
  let now = Date.now();
  const deps: HealthDeps = {
    database,
    blobs: await openFileBlobStore(join(folder, 'blobs'), join(folder, 'staging')),
    settings,
    metrics,
    temporalHealthy: () => Promise.resolve(true),
    hsm: () => [signingToken],
    isOperator: operatorCheck(TOKEN),
    // Each look is a second after the one before.
    clock: () => new Date((now += 1_000)),
    ...over,
  };
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(line) });
  const app = createHealthApi(deps);
  const rest = {
    fetch: (request: Request) => {
      const fails = request.url.includes('missing');
      const body = storeErrorBody({ code: 'resource-not-found', message: 'cannot find it' });
      return fails
        ? new Response(body, { status: 404, headers: { 'content-type': 'application/json', 'x-kept': '1' } })
        : new Response('fine');
    },
  };
  const front = createFront(
    HEALTH_PATHS.map((prefix) => ({ prefix, app })),
    rest,
  );
  const fetchWatched = watched(front, { metrics, log });
  const server = await startServer({ fetch: fetchWatched, host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close(0));
  return { url: server.url, settings, lines };
}

test('probes tell that the process answers, and whether it can serve', async () => {
  const well = await host();
  for (const path of ['/_status/ping', '/healthz', '/_status/check', '/readyz'])
    expect((await fetch(well.url + path)).status, path).toBe(200);
  expect((await fetch(`${well.url}/_status/check`, { method: 'HEAD' })).status).toBe(200);

  const unwell = await host({ temporalHealthy: () => Promise.reject(new Error('gone')) });
  for (const [path, status] of [
    ['/_status/ping', 200],
    ['/healthz', 200],
    ['/_status/check', 503],
    ['/readyz', 503],
  ] as const)
    expect((await fetch(unwell.url + path)).status, path).toBe(status);
  expect(await (await fetch(`${unwell.url}/readyz`)).text()).toBe(
    'database OK\ntemporal failed\nstorage OK\nhsm OK\n',
  );
});

test('a load balancer keeps sending devices while the database takes no changes, and reads that it takes none', async () => {
  const database = { ...(await temporaryDatabase()), check: () => Promise.resolve('read-only' as const) };
  const { url } = await host({ database });
  const answer = await fetch(`${url}/_status/check`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('database failed\ntemporal OK\nstorage OK\nhsm OK\n');
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('airlock_part_up{part="database"} 0');
});

test('a load balancer keeps sending devices while the HSM is away, and reads that it is', async () => {
  const failure = 'waits for the token "card"';
  const { url } = await host({ hsm: () => [signingToken, { ...signingToken, name: 'card', failure }] });
  const answer = await fetch(`${url}/_status/check`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('database OK\ntemporal OK\nstorage OK\nhsm failed\n');
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('airlock_part_up{part="hsm"} 0');
});

test('metrics tell what was asked, what was refused and why, and how the parts are', async () => {
  const { url, settings } = await host();
  const at = '2026-02-03T04:05:06.000Z';
  const note = { at, verified: true, verifiedAt: at, backupId: 'x', path: '/backup' };
  await settings.change(new Map([[LAST_BACKUP, { value: JSON.stringify(note), secret: false }]]), new Date());
  expect(await (await fetch(`${url}/metrics`)).text()).not.toContain(
    'airlock_certificate_end_timestamp_seconds{',
  );
  const { cert } = await selfSigned(
    ['store.example'],
    new Date(at),
    (size) => new Uint8Array(randomBytes(size)),
  );
  await settings.change(new Map([['proxy.tls.cert', { value: cert, secret: false }]]), new Date());
  await fetch(`${url}/v2/snaps/refresh`, { method: 'POST', body: '{}' });
  await fetch(`${url}/v2/snaps/info/missing?secret=1`);
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('airlock_request_seconds_count{resource="refresh",method="POST",status="2xx"} 1');
  expect(text).toContain('airlock_refusals_total{what="info",reason="resource-not-found"} 1');
  expect(text).toContain('airlock_part_up{part="database"} 1');
  expect(text).toContain('airlock_part_up{part="hsm"} 1');
  expect(text).toContain('airlock_hsm_queue{token="default"} 3');
  const ends = Date.parse(describeCertificate(cert).until) / 1000;
  expect(text).toContain(`airlock_certificate_end_timestamp_seconds{subject="CN=store.example"} ${ends}`);
  expect(text).toContain(`airlock_last_verified_backup_timestamp_seconds ${Date.parse(at) / 1000}`);
  await settings.change(new Map([['proxy.tls.cert', { value: 'unreadable', secret: false }]]), new Date());
  const later = await fetch(`${url}/metrics`);
  expect(later.status).toBe(200);
  expect(await later.text()).not.toContain('airlock_certificate_end_timestamp_seconds{');
});

test('metrics are for this machine, and for others with the operator token', async () => {
  const { url } = await host();
  const passedOn = { 'x-forwarded-for': '198.51.100.7' };
  expect((await fetch(`${url}/metrics`, { headers: passedOn })).status).toBe(401);
  const wrong = { ...passedOn, authorization: 'Bearer wrong' };
  expect((await fetch(`${url}/metrics`, { headers: wrong })).status).toBe(401);
  const right = { ...passedOn, authorization: `Bearer ${TOKEN}` };
  expect((await fetch(`${url}/metrics`, { headers: right })).status).toBe(200);
});

test('an error has an id, which is in the log; queries are not', async () => {
  const { url, lines } = await host();
  const answer = await fetch(`${url}/v2/snaps/info/missing?nonce=abc`, {
    headers: { 'x-request-id': 'my-own-id-1' },
  });
  expect(answer.status).toBe(404);
  expect(answer.headers.get('x-oops-id')).toBe('my-own-id-1');
  expect(answer.headers.get('x-kept')).toBe('1');
  expect(await answer.json()).toEqual({
    'error-list': [{ code: 'resource-not-found', message: 'cannot find it' }],
  });
  const line = lines.find((each) => each.includes('my-own-id-1'));
  expect(line).toContain('/v2/snaps/info/missing');
  expect(lines.join('')).not.toContain('abc');
  const other = await fetch(`${url}/missing`, { headers: { 'x-request-id': 'not a plain one' } });
  expect(other.headers.get('x-oops-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('without debug a good answer is passed on as it is', async () => {
  const answer = new Response('fine');
  const metrics = createMetrics({ processMetrics: false });
  const front = watched(() => answer, { metrics, log: silentLog() });
  const bindings: unknown = {};
  expect(await Reflect.apply(front, undefined, [new Request('http://host/v2/snaps/find'), bindings])).toBe(
    answer,
  );
});

test('a resource is one of few words, whatever the address', () => {
  expect(resourceOf('/api/v1/snaps/auth/sessions')).toBe('session');
  expect(resourceOf('/api/v1/snaps/download/AbC_7.snap')).toBe('download');
  expect(resourceOf('/v1/brands/x')).toBe('gateway');
  expect(resourceOf('/anything/at/all')).toBe('other');
});
