/** An online host between devices and an upstream, for tests: all on loopback, closed when the test is over. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createFront, type Answering } from '../../../src/api/front.ts';
import { FileCache } from '../../../src/api/online/file-cache.ts';
import { createOnlineApi, FORWARDED } from '../../../src/api/online/index.ts';
import { PinBook } from '../../../src/api/online/pin-book.ts';
import { OverrideBook } from '../../../src/api/overrides/book.ts';
import { upstreamSnaps } from '../../../src/api/overrides/upstream-snaps.ts';
import { startServer, type RunningServer } from '../../../src/api/server.ts';
import { openFileBlobStore } from '../../../src/storage/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newHost, newOutside } from '../../workflows/carried-store.ts';
import { setUpstream } from '../../workflows/fetching.ts';
import { deviceApiOf } from '../../workflows/served-devices.ts';

/** Serves an app on a free port. */
export async function serve(app: Answering): Promise<RunningServer> {
  const server = await startServer({
    fetch: (request, bindings) => app.fetch(request, bindings),
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close(0));
  return server;
}

/** A store of ours as upstream, which notes what it is asked, and an online host before it. */
export async function between(limit = 2 ** 30) {
  const outside = await newOutside();
  await outside.publishJourney();
  const asked: string[] = [];
  const store = deviceApiOf(outside.host);
  const upstream = await serve({
    fetch: (request, bindings) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return store.fetch(request, bindings);
    },
  });
  return { ...(await onlineBefore(upstream.url, limit)), outside, upstream, asked };
}

/** An online host before an upstream, with its own paths behind those that it forwards. */
export async function onlineBefore(upstream: string, limit = 2 ** 30) {
  const host = await newHost();
  await setUpstream(host, upstream);
  const folder = await temporaryFolder();
  const cache = new FileCache(await openFileBlobStore(join(folder, 'kept'), join(folder, 'coming')), () =>
    Promise.resolve(limit),
  );
  const app = createOnlineApi({
    settings: host.settings,
    pins: new PinBook(host.database.queries),
    cache,
    clock: () => new Date(),
    random: (size) => new Uint8Array(randomBytes(size)),
    report: () => undefined,
  });
  const counters = FORWARDED.map((prefix) => ({ prefix, app }));
  const online = await serve({ fetch: createFront(counters, deviceApiOf(host)) });
  const kept = async () =>
    (await readdir(join(folder, 'kept'), { recursive: true })).filter((name) => name.length > 90);
  const overrides = new OverrideBook({
    database: host.database,
    source: upstreamSnaps(host.settings),
    clock: () => new Date(),
  });
  return { host, online, folder, kept, overrides };
}
