import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accountFolder, removeAccountFolder } from '../../src/activities/exports/folder.ts';
import { errorOfFailure } from '../../src/activities/errors.ts';
import {
  EXPORTED,
  EXPORT_FETCHED,
  type AccountExport,
  type StoreExport,
} from '../../src/workflows/export-contract.ts';
import { exportForAccount } from '../../src/workflows/index.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../support/temporal.ts';
import { newOutside, storeExport, type Host } from './carried-store.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const DAY_MS = 86_400_000;

/** Exports the store for its admin, and does something with the running process. */
function exported<Answer>(
  host: Host,
  over: Partial<StoreExport> & { readonly keepMs?: number },
  work: (handle: Awaited<ReturnType<typeof begin>>) => Promise<Answer>,
): Promise<Answer> {
  return withHost(temporal, host, async () => work(await begin(host, over)));
}

function startOf(
  host: Host,
  { keepMs = DAY_MS, ...over }: Partial<StoreExport> & { readonly keepMs?: number },
): { workflowId: string; taskQueue: string; args: [AccountExport] } {
  const exportDir = accountFolder(join(host.folder, 'exports'), 'one');
  const store = storeExport({ admin: 'ada', actor: 'ada', ...over });
  const wish = { ...store, at: new Date().toISOString(), exportDir };
  return {
    workflowId: `account-export/${Math.random()}`,
    taskQueue: 'airlock',
    args: [{ wish, keepMs }],
  };
}

const begin = (host: Host, over: Parameters<typeof startOf>[1]) =>
  temporal.client.workflow.start(exportForAccount, startOf(host, over));

const foldersOf = (host: Host) => readdir(join(host.folder, 'exports', 'accounts')).catch(() => []);
const tokensOf = ({ database }: Host) => database.queries.selectFrom('Token').select('revokedAt').execute();

test('what was fetched goes, and its token stays good', async () => {
  const { host } = await newOutside();
  await exported(host, {}, async (handle) => {
    await expect.poll(() => handle.query(EXPORTED), { timeout: 60_000 }).not.toBeNull();
    await handle.signal(EXPORT_FETCHED);
    expect(await handle.result()).toBe(true);
  });
  expect(await foldersOf(host)).toEqual([]);
  expect((await tokensOf(host)).map(({ revokedAt }) => revokedAt)).toEqual([null]);
});

test('what nobody fetched in time goes, and its token with it', async () => {
  const { host } = await newOutside();
  expect(await exported(host, { keepMs: 1 }, (handle) => handle.result())).toBe(false);
  expect(await foldersOf(host)).toEqual([]);
  expect((await tokensOf(host)).filter(({ revokedAt }) => revokedAt === null)).toEqual([]);
});

test('what nobody wants before it is there goes, and its token with it', async () => {
  const { host } = await newOutside();
  const wasFetched = await withHost(temporal, host, async (client) => {
    const { args, ...start } = startOf(host, {});
    const signal = { signal: EXPORT_FETCHED, signalArgs: [] };
    const handle = await client.workflow.signalWithStart(exportForAccount, { ...start, args, ...signal });
    return handle.result();
  });
  expect(wasFetched).toBe(false);
  expect(await foldersOf(host)).toEqual([]);
  expect((await tokensOf(host)).filter(({ revokedAt }) => revokedAt === null)).toEqual([]);
});

test('what fails leaves neither files nor a token that works', async () => {
  const { host } = await newOutside();
  const failed = await exported(host, { store: 'nowhere' }, (handle) =>
    handle.result().then(
      () => 'exported',
      (error: unknown) => errorOfFailure(error).code,
    ),
  );
  expect(failed).toBe('store-unknown');
  expect(await foldersOf(host)).toEqual([]);
  expect(await tokensOf(host)).toEqual([]);
});

test('no folder but that of an export is ever removed', async () => {
  const { host } = await newOutside();
  const exports = join(host.folder, 'exports');
  for (const folder of [
    join(host.folder, 'blobs'),
    exports,
    join(exports, 'accounts'),
    join(exports, 'accounts', '..'),
  ])
    await expect(removeAccountFolder(folder, exports)).rejects.toThrow('is no export of an account');
  expect((await stat(join(host.folder, 'blobs'))).isDirectory()).toBe(true);
});
