/** An authority and an online host that fetches from it, for tests. */
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createCarryApi } from '../../src/api/carry/index.ts';
import { startServer } from '../../src/api/server.ts';
import type { FetchActivities } from '../../src/activities/fetches.ts';
import { withFailures } from '../../src/activities/errors.ts';
import type { Permission } from '../../src/publishers/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { issueLogin } from '../support/login.ts';
import { trustingHost, type Host, type TrustedOutside } from './carried-store.ts';
import { fetchesOf, setUpstream } from './fetching.ts';
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
  const login = (accountId: string, ...permissions: Permission[]) =>
    issueLogin(tokens, accountId, permissions);
  return { url: server.url, login };
}

/** An online host before an upstream, with logins that its operator's interface sealed. */
export async function online(
  outside: TrustedOutside,
  url: string,
  logins: Readonly<Record<string, string>> = {},
): Promise<Host & { readonly fetches: FetchActivities }> {
  const host = await trustingHost(outside);
  await setUpstream(host, url);
  const sealed = Object.entries(logins).map(([name, value]) => [name, { value, secret: true }] as const);
  await host.settings.change(new Map(sealed), new Date());
  const fetches = fetchesOf(host);
  return { ...host, fetches, activities: withFailures(fetches) };
}
