import { expect, test } from 'vitest';

import { answering, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('store-admin export token narrows the credential as it is told, and asks nothing for a duration that is none', async () => {
  const issued = { macaroon: 'MDAxOG', sessionId: '0123456789abcdef', expires: '2027-01-02T03:04:05.000Z' };
  const server = await answering({ 'POST /ops/v1/authority/tokens': issued });
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  const folder = await temporaryFolder();
  const run = (...args: string[]) =>
    runCli('store-admin', ['export', 'token', 'ada@example.com', '--export-dir', folder, ...args], { env });
  expect((await run('--acls', 'package_access', '--stores', 'brand-devices', '--ttl', '2h')).status).toBe(0);
  expect(server.seen[0]?.body).toMatchObject({
    account: 'ada@example.com',
    permissions: ['package_access'],
    stores: ['brand-devices'],
    ttl: 7200,
  });
  expect((await run('--ttl', 'for ever')).status).not.toBe(0);
  expect(server.seen).toHaveLength(1);
});

test('add-admin adds an address to those that are there, once', async () => {
  const server = await answering({
    'GET /ops/v1/config/proxy.admin-emails': { key: 'proxy.admin-emails', value: '["ada@example.com"]' },
    'PATCH /ops/v1/config': {},
  });
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  const run = (email: string) => runCli('snap-store-proxy', ['add-admin', email], { env });
  expect(await run('becky@example.com')).toMatchObject({
    status: 0,
    stdout: 'becky@example.com may set overrides.\n',
  });
  expect(server.seen).toHaveLength(2);
  expect(JSON.stringify(server.seen)).toContain('becky@example.com');
  expect((await run('Ada@example.com')).status).toBe(0);
  expect(server.seen).toHaveLength(3);
  expect(await run('a@b.c')).toMatchObject({ status: 0, stdout: 'a@b.c may set overrides.\n' });
  expect(server.seen).toHaveLength(5);
  expect((await run('no address')).status).not.toBe(0);
  expect(server.seen).toHaveLength(5);
});
