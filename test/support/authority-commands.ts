import type { Client } from '@temporalio/client';

import { createAuthorityOps } from '../../src/api/publisher/index.ts';
import { operatorGate } from '../../src/api/operator-gate.ts';
import { startServer } from '../../src/api/server.ts';
import type { TestAuthority } from './authority.ts';
import { runCli } from './cli.ts';

const TOKEN = 'operator-token';

/** Serves the operator's routes of an authority, and gives what runs `airlock authority …` with the operator's token there. */
export async function authorityCommands(authority: TestAuthority, client: Client) {
  const app = createAuthorityOps(authority.deps(client), operatorGate(TOKEN));
  const server = await startServer({ fetch: (request) => app.fetch(request), host: '127.0.0.1', port: 0 });
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: TOKEN };
  const run = (...args: string[]) => runCli('airlock', ['authority', ...args], { env });
  return { env, run, close: () => server.close(1000) };
}
