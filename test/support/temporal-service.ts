/**
 * One Temporal dev server for a whole test run, started when the first test asks for it: a run of pure tests starts none.
 * Test files run in processes of their own, so they ask over HTTP (see test/support/temporal.ts).
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import type { DevServer } from '../../src/worker/dev-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Answers with the address of the run's Temporal server, after starting it. */
    temporalService: string;
  }
}

/** Called by vitest before the first test file; what it returns is called after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<DevServer> | undefined;
  const service = createServer((_request, response) => {
    started ??= start();
    started.then(
      ({ address }) => response.end(JSON.stringify({ address })),
      (error: unknown) => {
        response.statusCode = 503;
        response.end(JSON.stringify({ error: String(error) }));
      },
    );
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  project.provide('temporalService', `http://127.0.0.1:${portOf(service.address())}/`);
  return async () => {
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
    await started?.then((server) => server.stop()).catch(() => undefined);
  };
}

async function start(): Promise<DevServer> {
  const { startTestServer } = await import('./temporal-server.ts');
  return startTestServer();
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('cannot listen for the test service');
  return address.port;
}
