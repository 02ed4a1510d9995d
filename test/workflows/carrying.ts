/** An authority and an online host that fetches from it, for tests. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createCarryApi } from '../../src/api/carry/index.ts';
import { startServer } from '../../src/api/server.ts';
import { createFetchActivities } from '../../src/activities/fetches.ts';
import { withFailures } from '../../src/activities/errors.ts';
import type { Permission } from '../../src/publishers/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { trustingHost, type Host } from './carried-store.ts';
import type { Outside } from './hosts.ts';
import { deviceApiOf } from './served-devices.ts';

/** An authority that answers, and credentials of it. */
export async function authority(outside: Outside) {
  const { database, blobs, settings } = outside.host;
  const tokens = new TokenOffice({ database, settings, random: randomBytes });
  const report = (error: unknown) => console.error(error);
  const app = createCarryApi({ database, blobs, settings, tokens, clock: () => new Date(), report });
  const devices = deviceApiOf(outside.host);
  const server = await startServer({
    fetch: (request, bindings) =>
      new URL(request.url).pathname.startsWith('/carry/')
        ? app.fetch(request, bindings)
        : devices.fetch(request, bindings),
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close());
  const login = async (accountId: string, ...permissions: Permission[]) => {
    const limits = [{ condition: 'acl' as const, permissions }];
    const expires = new Date(Date.now() + 3_600_000);
    const asked = {
      accountId,
      kind: 'publisher' as const,
      description: 'test',
      expires,
      limits,
      actor: 'test',
    };
    return (await tokens.issue(asked, 'authority', new Date())).macaroon;
  };
  return { url: server.url, login };
}

/** An online host with logins that its operator's interface sealed. */
export async function online(
  outside: Outside,
  url: string,
  logins: Readonly<Record<string, string>>,
): Promise<Host> {
  const host = await trustingHost(outside);
  const { database, blobs, settings } = host;
  const changes = new Map([['proxy.upstream', { value: url, secret: false }]]);
  for (const [name, value] of Object.entries(logins)) changes.set(name, { value, secret: true });
  await settings.change(changes, new Date());
  const exportFolder = join(host.folder, 'exports');
  const activities = withFailures(
    createFetchActivities({ database, blobs, settings, exportFolder, now: () => new Date() }),
  );
  return { ...host, activities };
}
