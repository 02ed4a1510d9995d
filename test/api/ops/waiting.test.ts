import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { operation } from '../../../src/api/ops/operation-contract.ts';
import { openTestTemporal, type TestTemporal } from '../../support/temporal.ts';
import { newOutside } from '../../workflows/carried-store.ts';
import { online } from '../../workflows/carrying.ts';
import { setUpstream } from '../../workflows/fetching.ts';
import type { Outside } from '../../workflows/hosts.ts';
import { operatorAt } from './operator.ts';
import { serveDevices } from '../../workflows/served-devices.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

/** Serves the outside host's snaps as devices get them. */
async function serve({ host }: Outside): Promise<string> {
  const server = await serveDevices(host);
  onTestFinished(() => server.close());
  return server.url;
}

test('an operation tells that its upstream is away, and no longer once it is there', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const upstream = await serve(outside);
  const host = await online(outside, 'http://127.0.0.1:9');
  await operatorAt(temporal, host, async (operator) => {
    const started = z.object({ workflowId: z.string() });
    const request = { kind: 'snaps', names: ['my-base'] };
    const { workflowId } = await operator.answer('POST', '/fetches', started, request);
    const path = `/operations/${encodeURIComponent(workflowId)}?wait=1`;
    const look = () => operator.answer('GET', path, operation);
    let found = await look();
    while (found.waiting === null) found = await look();
    expect(found).toMatchObject({
      status: 'running',
      waiting: {
        code: 'upstream-unreachable',
        message: expect.stringMatching(/^cannot reach http:\/\/127\.0\.0\.1:9: .+; check proxy\.upstream/),
      },
    });
    await setUpstream(host, upstream);
    while (found.status === 'running') found = await look();
    expect(found).toMatchObject({ status: 'completed', waiting: null });
  });
});

/** A network that takes connections and lets nothing through until it is told to. */
async function silentWay(to: string) {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    void opened.then(() => {
      const onward = connect(Number(new URL(to).port), '127.0.0.1').on('error', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    });
  });
  const { promise: listening, resolve: listens } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listens);
  await listening;
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, open };
}

test('an operation tells that its upstream says nothing, while it still waits for the first answer', async () => {
  const outside = await newOutside();
  await outside.publishJourney();
  const way = await silentWay(await serve(outside));
  const host = await online(outside, way.url);
  await operatorAt(temporal, host, async (operator) => {
    const started = z.object({ workflowId: z.string() });
    const request = { kind: 'snaps', names: ['my-base'] };
    const { workflowId } = await operator.answer('POST', '/fetches', started, request);
    const path = `/operations/${encodeURIComponent(workflowId)}?wait=1`;
    const look = () => operator.answer('GET', path, operation);
    let found = await look();
    while (found.waiting === null) found = await look();
    expect(found).toMatchObject({
      status: 'running',
      waiting: {
        code: 'upstream-silent',
        message: `cannot reach ${way.url}: it has not answered yet`,
        attempt: 1,
      },
    });
    way.open();
    while (found.status === 'running') found = await look();
    expect(found).toMatchObject({ status: 'completed', waiting: null });
  });
});
