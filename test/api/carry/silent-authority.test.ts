/** Exports for an account while a part of the authority does not answer: no worker that tells its files, no way to tell it that they are here. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { accountExport, accountExportStarted } from '../../../src/api/carry/export-contract.ts';
import { startServer } from '../../../src/api/server.ts';
import { runCli } from '../../support/cli.ts';
import { openTestTemporal, withHost, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { newOutside } from '../../workflows/carried-store.ts';
import { authority } from '../../workflows/carrying.ts';

/** An authority, and its store's admin with a log-in. */
async function site(temporal: TestTemporal) {
  const outside = await newOutside();
  await outside.publishJourney();
  const { url, login } = await authority(outside, temporal);
  return { host: outside.host, url, login: await login('ada', 'package_access', 'store_admin') };
}

/** A namespace of one test's own: no worker runs there until it starts some. */
async function ownTemporal(): Promise<TestTemporal> {
  const temporal = await openTestTemporal();
  onTestFinished(() => temporal.close());
  return temporal;
}

test('while no worker answers, who asks for a file is told to ask again, and has it later', async () => {
  const temporal = await ownTemporal();
  const { host, url, login } = await site(temporal);
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${url}/carry/v1/exports/brand-devices${path}`, {
      ...init,
      headers: { authorization: `Macaroon root="${login}"` },
    });
  const wish = { kind: 'store', channels: ['latest/stable'], architectures: ['amd64'] };
  const begun = await ask('', { method: 'POST', body: JSON.stringify(wish) });
  const { id } = accountExportStarted.parse(await begun.json());
  const early = await ask(`/${id}/files/any.tar.gz`);
  expect([early.status, await early.json()]).toEqual([
    503,
    expect.objectContaining({
      'error-list': [
        {
          code: 'export-silent',
          message: 'cannot tell which files the export has: no worker answers now; ask again later',
        },
      ],
    }),
  ]);
  await withHost(temporal, host, async () => {
    let found = accountExport.parse(await (await ask(`/${id}?wait=5`)).json());
    while (found.status === 'running') found = accountExport.parse(await (await ask(`/${id}?wait=5`)).json());
    expect((await ask(`/${id}/files/${found.result?.files[0]?.name ?? ''}`)).status).toBe(200);
  });
});

/** The way to a server by which nothing is ever ended. */
async function withoutEnds(url: string): Promise<string> {
  const server = await startServer({
    fetch: async (request) => {
      if (request.method === 'DELETE') return new Response(null, { status: 503 });
      const { pathname, search } = new URL(request.url);
      const body = request.method === 'GET' ? null : await request.arrayBuffer();
      return fetch(`${url}${pathname}${search}`, { method: request.method, headers: request.headers, body });
    },
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => server.close());
  return server.url;
}

test('a command whose last word is lost has all files, says so, and ends it when it is given again', async () => {
  const temporal = await ownTemporal();
  const { host, url, login } = await site(temporal);
  const [folder, file] = [await temporaryFolder(), join(await temporaryFolder(), 'login')];
  await writeFile(file, login);
  const exported = (at: string) =>
    runCli(
      'store-admin',
      ['export', 'store', 'brand-devices', '--auth', file, '--export-dir', folder, '--url', at],
      { env: {} },
    );
  const accounts = join(host.folder, 'exports', 'accounts');
  await withHost(temporal, host, async () => {
    const made = await exported(await withoutEnds(url));
    expect(made).toMatchObject({ status: 0, stdout: expect.stringContaining('Store data exported to: ') });
    expect(made.stderr).toMatch(
      /^warning: cannot [^\n]+; all files are here, but the authority does not know, and ends the admin token after a day: give the same command again\n$/,
    );
    const files = await readdir(folder);
    expect(files).toHaveLength(2);
    expect(await readdir(accounts)).toHaveLength(1);
    const again = await exported(url);
    expect(again.stderr).toMatch(/^Going on with the export of \S+, which was not fetched\.\n$/);
    expect(await readdir(folder)).toEqual(files);
    await expect.poll(() => readdir(accounts), { timeout: 60_000 }).toEqual([]);
  });
});
