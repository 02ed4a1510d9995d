import { generateKeyPairSync } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { decodeStream, signAssertion, softwareSigner } from '../../src/assertions/index.ts';
import { authorityCommands } from '../support/authority-commands.ts';
import { testAuthority } from '../support/authority.ts';
import { runCli } from '../support/cli.ts';
import { packSnap } from '../support/snap-files.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
}, 60_000);
afterAll(() => temporal.close());

test("the operator's day at an authority, command by command", { timeout: 120_000 }, async () => {
  const authority = await testAuthority();
  const folder = await temporaryFolder();
  await withWorkers(temporal, authority.activities, async (client) => {
    const { env, run, close } = await authorityCommands(authority, client);
    const says = async (args: string[], stdout: string | RegExp) => {
      const outcome = await run(...args);
      expect(outcome).toMatchObject({ status: 0 });
      expect(outcome.stdout).toMatch(stdout);
    };
    const refused = async (args: string[], status: number, reason: RegExp) => {
      const outcome = await run(...args);
      expect(outcome).toMatchObject({ status, stdout: '' });
      const last = outcome.stderr.trimEnd().split('\n').at(-1);
      expect(last).toMatch(/^error: cannot /);
      expect(last).toMatch(reason);
    };
    try {
      const stranger = { ...env, AIRLOCK_OPERATOR_TOKEN: 'guess' };
      expect(await runCli('airlock', ['authority', 'list', 'stores'], { env: stranger })).toMatchObject({
        status: 3,
      });
      await refused(['root'], 6, /no authority/);
      await says(
        ['init', 'example-root'],
        /^Authority 'example-root' created\.\nRoot key: \S{64}\nStore key: \S{64}\n$/,
      );
      await says(['init', 'example-root'], /was there already/);
      await refused(['init', 'Example Root'], 2, /account id/);
      const root = join(folder, 'root.assert');
      await says(['root', '--output', root], `Root of trust exported to: ${root}`);
      expect(decodeStream(await readFile(root)).map(({ type }) => type)).toEqual(['account', 'account-key']);

      await says(
        ['create', 'account', 'acme', '--id', 'acme', '--email', 'ops@acme.example'],
        "Account 'acme' created with id acme.",
      );
      await says(['create', 'account', 'dev', '--email', 'dev@example.com'], /with id [A-Za-z0-9]{32}\.$/m);
      await refused(['create', 'account', 'two', '--email', 'dev@example.com'], 6, /another account's/);
      await refused(['create', 'account', 'three', '--email', 'nobody'], 2, /e-mail/);
      await says(['create', 'store', 'acme-store', '--brand', 'acme'], "Store 'acme-store' created.");
      await refused(['create', 'store', 'x', '--brand', 'nobody'], 5, /cannot find the account/);
      const theirs = ['create', 'store', 'dev-store', '--brand', 'dev', '--include', 'acme-store'];
      await refused(theirs, 4, /not shared with \S{32}; its owner does that with .* --share-with \S{32}/);
      const shared = ['create', 'store', 'acme-store', '--brand', 'acme', '--share-with'];
      await refused([...shared, 'nobody'], 5, /cannot find the account/);
      await says([...shared, 'dev@example.com'], "Store 'acme-store' created.");
      await says(theirs, "Store 'dev-store' created.");
      await says(theirs.slice(0, -2), "Store 'dev-store' created.");
      await says(['grant', 'admin', 'dev@example.com', 'acme-store'], /has the role admin/);
      await says(['ungrant', 'admin', 'dev', 'acme-store'], /no longer has the role admin/);
      await refused(['ungrant', 'admin', 'dev', 'acme-store'], 5, /does not have it/);
      await refused(['grant', 'king', 'dev', 'acme-store'], 2, /one of admin, review, view, access/);

      await says(
        ['register', 'robot', '--publisher', 'dev', '--store', 'acme-store', '--private'],
        /^Snap 'robot' registered with id \S{32}\.$/m,
      );
      await refused(['register', 'robot', '--publisher', 'acme'], 6, /somebody else/);
      await says(['list', 'snaps', 'acme-store'], /^robot +\S{32} +\S{32} +yes$/m);
      await says(['list', 'snaps', 'general'], /^Name +Id +Publisher +Private\n[- ]+\n$/);
      await says(
        [
          'create',
          'store',
          'acme-view',
          '--brand',
          'acme',
          '--kind',
          'device-view',
          '--include',
          'acme-store',
          '--include',
          'general',
        ],
        /created/,
      );
      const included = await authority.database.queries
        .selectFrom('StoreInclusion')
        .select(['includedStoreId', 'allSnaps'])
        .orderBy('id')
        .execute();
      expect(included.map((row) => `${row.includedStoreId} ${Boolean(row.allSnaps)}`)).toEqual([
        'acme-store true',
        'ubuntu true',
      ]);

      const file = join(folder, 'robot.snap');
      await packSnap({ name: 'robot', version: '1', type: 'app', payload: 400_000 }, file);
      await says(
        ['publish', file, '--snap', 'robot', '--channel', 'stable,edge'],
        "Revision 1 of 'robot' published and released to stable,edge.",
      );
      await says(['release', 'robot', '1', 'beta'], "Revision 1 of 'robot' released to beta.");
      await says(['close', 'robot', 'beta'], "Channels of 'robot' closed: beta.");
      await refused(['release', 'robot', '9', 'beta'], 5, /no such revision/);
      await refused(['release', 'robot', 'one', 'beta'], 2, /number/);
      await refused(['publish', root, '--snap', 'robot'], 2, /no squashfs image/);
      await refused(['publish', '/nowhere.snap', '--snap', 'robot'], 2, /no such file/);
      await says(['build-policy', 'robot', '--require', 'hold'], "Snap-build policy of 'robot': hold.");
      const second = join(folder, 'robot-2.snap');
      await packSnap({ name: 'robot', version: '2', type: 'app' }, second);
      await says(
        ['publish', second, '--snap', 'robot', '--channel', 'edge'],
        /Revision 2 of 'robot' is held: .*sign-build/,
      );

      const signer = softwareSigner(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey);
      const { keyId, encoded } = signer.publicKey;
      const headers = {
        'public-key-sha3-384': keyId,
        'account-id': 'acme',
        name: 'models',
        since: '2026-01-01T00:00:00Z',
      };
      const request = join(folder, 'request');
      await writeFile(
        request,
        (await signAssertion({ type: 'account-key-request', headers, body: encoded }, signer, new Date()))
          .bytes,
      );
      const accountKey = join(folder, 'key.assert');
      await says(['register-key', request, '--output', accountKey], `Account key exported to: ${accountKey}`);
      expect(decodeStream(await readFile(accountKey))[0]?.primaryKey).toEqual([keyId]);
      expect(
        decodeStream(Buffer.from((await run('account-key', keyId)).stdout)).map(({ type }) => type),
      ).toEqual(['account', 'account-key']);
      await refused(['register-key', accountKey], 2, /account-key-request is needed/);
      await says(['list', 'keys', 'acme'], new RegExp(`^models +${keyId} +2026-01-01T00:00:00Z$`, 'm'));
      await says(['revoke-key', keyId, '--output', join(folder, 'revoked')], /Revoked/);
      await says(['list', 'keys', 'acme'], /revoked$/m);

      const token = join(folder, 'token');
      const made = await run(
        'create',
        'token',
        'dev',
        '--acls',
        'package_push',
        '--snaps',
        'robot',
        '--ttl',
        '2h',
        '--output',
        token,
      );
      expect(made).toMatchObject({
        status: 0,
        stdout: '',
        stderr: expect.stringMatching(/^Session [0-9a-f]{32}, valid until /),
      });
      expect((await stat(token)).mode & 0o777).toBe(0o600);
      await refused(['create', 'token', 'dev', '--acls', 'package_pull'], 2, /package_pull/);
      await refused(['create', 'token', 'dev', '--acls', 'package_push', '--ttl', 'soon'], 2, /duration/);
      const session = /Session (\S+),/.exec(made.stderr)?.[1] ?? '';
      await says(['list', 'tokens', 'dev'], session);
      await says(['revoke-token', session], `Token '${session}' revoked.`);
      await refused(['revoke-token', 'nonsense'], 5, /there is none/);
    } finally {
      await close();
    }
  });
});
