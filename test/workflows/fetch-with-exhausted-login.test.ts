import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { z } from 'zod';
import { startServer } from '../../src/api/server.ts';
import { errorOfFailure } from '../../src/activities/errors.ts';
import { fetchSnaps } from '../../src/workflows/index.ts';
import { readLoginFile } from '../../src/publishers/index.ts';
import { fakeSso, STALE } from '../support/fake-sso.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { newOutside } from './carried-store.ts';
import { online } from './carrying.ts';
import type { Outside } from './hosts.ts';
import { deviceApiOf } from './served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** A store that gives its snaps to who comes with a discharge in force alone, and how many came with an exhausted one. */
async function guarded(outside: Outside, sso: Awaited<ReturnType<typeof fakeSso>>) {
  const app = deviceApiOf(outside.host);
  let stale = 0;
  const server = await startServer({
    fetch: (request, bindings) => {
      // Assertions are anybody's.
      if (!request.url.includes('/snaps/')) return app.fetch(request, bindings);
      const found = sso.gate(request.headers.get('authorization'));
      if (found === undefined) return app.fetch(request, bindings);
      stale += 1;
      return STALE['the code of craft-store']();
    },
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close());
  return { url: server.url, stale: () => stale };
}

/** An online host before such a store, with an exhausted log-in that its operator sealed. */
async function site() {
  const outside = await newOutside();
  await outside.publishJourney();
  const sso = await fakeSso();
  const store = await guarded(outside, sso);
  const login = sso.exhausted();
  const proxy = await online(outside, store.url, { login });
  await proxy.settings.change(
    new Map([['proxy.sso.location', { value: sso.url, secret: false }]]),
    new Date(),
  );
  return { sso, store, proxy, login };
}

const wish = {
  fetchId: 'login',
  names: ['my-base', 'snapd'],
  channels: ['latest/stable'],
  architectures: ['amd64'],
  store: null,
  credentials: 'login',
  exportDir: null,
  actor: 'operator',
};

test('a fetch refreshes its discharge once, keeps it sealed, and forgets it', async () => {
  const { sso, store, proxy, login } = await site();
  const { made, told } = await withHost(temporal, proxy, async (client) => {
    const handle = await client.workflow.start(fetchSnaps, {
      workflowId: 'fetch-exhausted',
      taskQueue: 'airlock',
      args: [wish],
    });
    const result = await handle.result();
    return { made: result, told: await payloadsOf(await handle.fetchHistory()) };
  });
  expect(made.files.map(({ subject }) => subject)).toEqual(['my-base', 'snapd']);
  expect(made.loginRefreshed).toBe(sso.url);
  // One question by the first step; every other one found the discharge that it got.
  expect([store.stale(), sso.seen.length]).toEqual([1, 1]);
  expect(await proxy.settings.get('login')).toBeUndefined();
  // Nothing of it is in the history, even where that is opened.
  expect(told).toContain('my-base');
  const { root = '', discharge = '' } = readLoginFile(login) ?? {};
  for (const secret of [login, root, discharge, ...sso.given]) expect(told).not.toContain(secret);
});

test('a fetch ends with one sentence where the discharge is not refreshed', async () => {
  const { sso, proxy } = await site();
  sso.refuse(401);
  const failed = await withHost(temporal, proxy, (client) =>
    client.workflow
      .execute(fetchSnaps, { workflowId: 'fetch-refused', taskQueue: 'airlock', args: [wish] })
      .then(
        () => undefined,
        (error: unknown) => errorOfFailure(error),
      ),
  );
  expect(failed).toMatchObject({
    code: 'login-refused',
    message: `cannot use the login file: its discharge is exhausted, and ${sso.url} does not refresh it; export it again`,
  });
  expect(await proxy.settings.get('login')).toBeUndefined();
});

const payloadSchema = z.object({
  metadata: z.record(z.string(), z.instanceof(Uint8Array)),
  data: z.instanceof(Uint8Array),
});

/** Everything that a history holds, unsealed. */
async function payloadsOf(history: unknown): Promise<string> {
  const found: unknown[] = [];
  const visit = async (value: unknown): Promise<void> => {
    const sealed = payloadSchema.safeParse(value);
    if (sealed.success) {
      let payloads: Payload[] = [sealed.data];
      for (const codec of temporal.dataConverter.payloadCodecs ?? []) payloads = await codec.decode(payloads);
      for (const payload of payloads) found.push(defaultPayloadConverter.fromPayload(payload));
    } else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) await visit(inner);
  };
  await visit(history);
  return JSON.stringify(found);
}
