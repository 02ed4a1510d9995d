/** An authority and an online host that fetches from it, for tests. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AccountExports } from '../../src/api/carry/account-exports.ts';
import { createAccountExportApi } from '../../src/api/carry/exports.ts';
import { createCarryApi } from '../../src/api/carry/index.ts';
import { createFront } from '../../src/api/front.ts';
import { startServer } from '../../src/api/server.ts';
import type { FetchActivities } from '../../src/activities/fetches.ts';
import { withFailures } from '../../src/activities/errors.ts';
import type { Caveat, Permission } from '../../src/publishers/index.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { issueLogin } from '../support/login.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { trustingHost, type Host, type TrustedOutside } from './carried-store.ts';
import { fetchesOf, setUpstream } from './fetching.ts';
import type { Outside } from './hosts.ts';
import { deviceApiOf } from './served-devices.ts';

/**
 * An authority that answers, and credentials of it.
 * @param exporting where the exports run that its accounts ask for
 */
export async function authority(outside: Outside, exporting?: TestTemporal) {
  const { database, blobs, settings, folder } = outside.host;
  const tokens = new TokenOffice({ database, settings, random: randomBytes });
  const report = (error: unknown) => console.error(error);
  const clock = () => new Date();
  const app = createCarryApi({ database, blobs, settings, tokens, clock, report });
  const exports = exporting && {
    prefix: '/carry/v1/exports',
    app: createAccountExportApi({
      database,
      tokens,
      exports: new AccountExports({
        client: exporting.client,
        codecs: exporting.dataConverter.payloadCodecs ?? [],
        temporalUi: null,
      }),
      exportFolder: join(folder, 'exports'),
      clock,
      random: (size) => new Uint8Array(randomBytes(size)),
      report,
    }),
  };
  const counters = [...(exports ? [exports] : []), { prefix: '/carry/v1', app }];
  const server = await startServer({
    fetch: createFront(counters, deviceApiOf(outside.host)),
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close());
  const login = (accountId: string, ...permissions: Permission[]) =>
    issueLogin(tokens, accountId, permissions);
  const narrowLogin = (accountId: string, permissions: Permission[], ...more: Caveat[]) =>
    issueLogin(tokens, accountId, permissions, more);
  return { url: server.url, login, narrowLogin, tokens };
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
