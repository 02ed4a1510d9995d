import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createPublisherApi } from '../../../src/api/publisher/index.ts';
import { startServer } from '../../../src/api/server.ts';
import { checkAccount, mintMacaroon, readLoginFile } from '../../../src/publishers/index.ts';
import { addAccount, registerName } from '../../../src/storage/authority/index.ts';
import { testAuthority } from '../../support/authority.ts';
import { pythonTools } from '../../support/python-tools.ts';
import { packSnap } from '../../support/snap-files.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = promisify(execFile);
const tools = await pythonTools();
const present = tools.folder !== undefined;
const pythonEnv = tools.folder === undefined ? process.env : tools.env;

let temporal: TestTemporal;
beforeAll(async () => {
  if (present) temporal = await openTestTemporal();
}, 60_000);
afterAll(() => temporal?.close());

const DAY_MS = 24 * 3600_000;

test.skipIf(!present)("snapcraft's own client library publishes here", { timeout: 120_000 }, async () => {
  const authority = await testAuthority();
  const file = join(await temporaryFolder(), 'robot.snap');
  await packSnap({ name: 'robot', version: '1.0', type: 'app', payload: 3_000_000 }, file);
  const isv = checkAccount({
    id: 'isv',
    username: 'isv',
    displayName: 'ISV',
    email: 'isv@example.com',
    validation: 'unproven',
  });
  const now = new Date();
  await authority.database.transaction(async (queries) => {
    await addAccount(queries, isv, now);
    await registerName(
      queries,
      { snapId: 'r'.repeat(32), name: 'robot', storeId: 'ubuntu', publisherId: 'isv', private: false },
      'test',
      now,
    );
  });
  await withWorkers(temporal, authority.activities, async (client) => {
    const deps = authority.deps(client);
    await deps.processes.init({
      accountId: 'root-of-test',
      username: 'root',
      displayName: 'R',
      email: 'r@example.com',
    });
    await deps.processes.issue({ actor: 'test', requests: [{ kind: 'account', accountId: 'isv' }] });
    const issued = await deps.tokens.issue(
      {
        accountId: 'isv',
        kind: 'publisher',
        description: 'CI',
        expires: new Date(now.getTime() + DAY_MS),
        limits: [{ condition: 'channel', patterns: ['edge', 'beta'] }],
        actor: 'test',
      },
      'store.example',
      now,
    );
    const app = createPublisherApi(deps);
    const server = await startServer({ fetch: (request) => app.fetch(request), host: '127.0.0.1', port: 0 });
    try {
      const script = join(import.meta.dirname, 'publish.py');
      const env = { ...pythonEnv, CRAFT_STORE_RETRIES: '0', CRAFT_STORE_BACKOFF: '0' };
      const { stdout } = await run('python3', [script, server.url, issued.macaroon, 'robot', file], { env });
      expect(JSON.parse(stdout)).toEqual({
        version: 1,
        caveats: [
          'airlock|account|isv',
          `airlock|session_id|${issued.sessionId}`,
          `airlock|valid_since|${now.toISOString()}`,
          expect.stringMatching(/^airlock\|expires\|/),
          'airlock|channel|["edge","beta"]',
        ],
        whoami: expect.objectContaining({
          account: { email: 'isv@example.com', id: 'isv', name: 'ISV', username: 'isv' },
          channels: ['edge', 'beta'],
        }),
        review: expect.objectContaining({ status: 'approved', revision: 1, errors: null }),
        revisions: [1],
        channels: [['latest/edge', 1]],
        types: ['app'],
        refused: 'macaroon-permission-required',
        unknown: 'resource-not-found',
      });
    } finally {
      await server.close(1000);
    }
  });
});

test.skipIf(!present)('pymacaroons makes the very same macaroons from the same parts', async () => {
  const script = [
    'import json, sys, pymacaroons',
    'for parts in json.load(sys.stdin):',
    '    m = pymacaroons.Macaroon(location=parts["location"], identifier=parts["identifier"], key=bytes.fromhex(parts["key"]), version=1)',
    '    for caveat in parts["caveats"]: m.add_first_party_caveat(caveat)',
    '    print(m.serialize())',
  ].join('\n');
  const parts = Array.from({ length: 200 }, (_, index) => ({
    location: `store-${index}.example`,
    identifier: `authority-1/${randomBytes(8).toString('hex')}`,
    key: randomBytes(32).toString('hex'),
    caveats: Array.from({ length: index % 7 }, (_unused, at) => `airlock|package|["p${at}","ü${index}"]`),
  }));
  const child = run('python3', ['-c', script], { env: pythonEnv });
  child.child.stdin?.end(JSON.stringify(parts));
  const theirs = (await child).stdout.trim().split('\n');
  const ours = parts.map(({ key, ...rest }) => mintMacaroon({ ...rest, rootKey: Buffer.from(key, 'hex') }));
  expect(theirs.map((text) => text.replace(/=+$/, ''))).toEqual(ours);
});

test.skipIf(!present)('log-in files that it writes are read here', async () => {
  const script = [
    'import sys',
    'from craft_store import auth, creds',
    'root, discharge = sys.argv[1:]',
    'pair = creds.UbuntuOneMacaroons(r=root, d=discharge)',
    'for text in creds.marshal_candid_credentials(root), root, creds.marshal_u1_credentials(pair):',
    '    print(auth.Auth.encode_credentials(text))',
  ].join('\n');
  const minted = (identifier: string) =>
    mintMacaroon({ rootKey: randomBytes(32), identifier, location: 'store.example', caveats: [] });
  const [root, discharge] = [minted('root'), minted('discharge')];
  const { stdout } = await run('python3', ['-c', script, root, discharge], { env: pythonEnv });
  expect(stdout.trim().split('\n').map(readLoginFile)).toEqual([
    { root, discharge: undefined },
    { root, discharge: undefined },
    { root, discharge },
  ]);
});
