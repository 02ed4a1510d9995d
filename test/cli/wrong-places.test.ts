import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';

import { selfSigned } from '../../src/api/tls/self-signed.ts';
import { trustOnly } from '../../src/config/index.ts';
import { answering, runCli } from '../support/cli.ts';

/** Listens until the test is over. */
function portOf(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

describe('a folder that cannot be made is said at once, and not tried for ever', () => {
  test('of store-admin (AIRLOCK_HOME)', async () => {
    const { url } = await answering({
      'POST /v1/tokens/offline/exchange': { macaroon: 't' },
      'GET /v1/tokens/whoami': { account: { id: 'A', email: 'a@b.example' }, 'session-id': 's' },
    });
    const env = { AIRLOCK_HOME: '/proc/nope/airlock', STORE_ADMIN_TOKEN: 'x' };
    const outcome = await runCli('store-admin', ['login', '--offline', url, 'a@b.example'], { env });
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain('error: cannot save the log-in to /proc/nope/airlock/');
  });

  test('of an appliance (--data)', async () => {
    const outcome = await runCli('airlock', ['up', '--data', '/proc/nope/airlock']);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toBe(
      'error: cannot use /proc/nope/airlock as data folder: no folder can be made there; name another by --data\n',
    );
  });
});

test('a data folder that is a file is said to be one', async () => {
  const outcome = await runCli('airlock', ['up', '--data', import.meta.filename]);
  expect(outcome.stderr).toBe(
    `error: cannot use ${import.meta.filename} as data folder: a file is in its place; name another by --data\n`,
  );
});

test('an airlock authority command for a host of another role says so', async () => {
  const server = createHttpServer((_, response) => response.writeHead(404).end('404 Not Found'));
  const url = `http://127.0.0.1:${await portOf(server)}`;
  const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'x' };
  expect(await runCli('airlock', ['authority', 'list', 'stores'], { env })).toEqual({
    status: 5,
    stdout: '',
    stderr: `error: cannot do this: the Airlock at ${url} is no authority; name one by --data or --url\n`,
  });
});

/** Certificates here are good for ten years, from a day before. */
const yearsFromNow = (years: number) => new Date(Date.now() + years * 366 * 86_400_000);
test.each([
  [
    'of a CA that is not trusted',
    { name: '127.0.0.1', at: yearsFromNow(0), isTrusted: false },
    'its certificate comes from a CA that this machine does not trust; name a file with that CA in NODE_EXTRA_CA_CERTS',
  ],
  [
    'that expired',
    { name: '127.0.0.1', at: yearsFromNow(-11), isTrusted: true },
    'its certificate has expired; import another one there',
  ],
  [
    'of a time to come',
    { name: '127.0.0.1', at: yearsFromNow(1), isTrusted: true },
    'its certificate is not valid yet; check the clocks of this machine and of the server',
  ],
  [
    'for another name',
    { name: 'store.example', at: yearsFromNow(0), isTrusted: true },
    'its certificate is for another name; use that name, or import a certificate for this one there',
  ],
])(
  'a certificate %s is told apart from a host that is not there',
  async (_, { name, at, isTrusted }, why) => {
    const tls = await selfSigned([name], at, (size) => new Uint8Array(randomBytes(size)));
    if (isTrusted) onTestFinished(trustOnly(tls.cert));
    const url = `https://127.0.0.1:${await portOf(createHttpsServer(tls, (_request, response) => response.end('{}')))}`;
    const env = { AIRLOCK_URL: url, AIRLOCK_OPERATOR_TOKEN: 'x' };
    const outcome = await runCli('snap-store-proxy', ['status'], { env });
    expect(outcome.status).toBe(8);
    expect(outcome.stderr).toBe(`error: cannot reach Airlock at ${url}: ${why}\n`);
  },
);
