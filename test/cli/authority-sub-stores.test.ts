/** Sub-stores as the operator of an authority makes them: what is refused, and what the signed store assertions say. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { decodeAssertion } from '../../src/assertions/index.ts';
import { findAssertion } from '../../src/storage/index.ts';
import { authorityCommands } from '../support/authority-commands.ts';
import { testAuthority } from '../support/authority.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
}, 60_000);
afterAll(() => temporal.close());

test('a store below another, from its creation to its end', { timeout: 120_000 }, async () => {
  const authority = await testAuthority();
  await withWorkers(temporal, authority.activities, async (client) => {
    const { run, close } = await authorityCommands(authority, client);
    const done = async (...args: string[]) => {
      const { status, stderr } = await run(...args);
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
    };
    const store = (id: string, ...args: string[]) => run('create', 'store', id, '--brand', 'acme', ...args);
    const put = (id: string, ...args: string[]) => done('create', 'store', id, '--brand', 'acme', ...args);
    /** What the newest store assertion says. */
    const signed = async (id: string) => {
      const found = await findAssertion(authority.database.queries, 'store', [id]);
      if (found === undefined) return undefined;
      const { revision, headers } = decodeAssertion(found.bytes);
      return { revision, friendly: headers['friendly-stores'] ?? [], url: headers['url'] };
    };
    try {
      await done('init', 'example-root');
      for (const name of ['acme', 'globex'])
        await done('create', 'account', name, '--id', name, '--email', `ops@${name}.example`);
      await put('acme-store');
      await done('create', 'store', 'globex-store', '--brand', 'globex');

      for (const [parent, status, sentence] of [
        ['nowhere', 2, 'there is no store of that id; create it first'],
        ['globex-store', 4, 'that store is not of the brand acme; name one that is'],
        ['general', 2, "the general store is nobody's; include it instead"],
        ['robots', 2, 'there is no store of that id; create it first'],
      ] as const) {
        const stored = parent === 'general' ? 'ubuntu' : parent;
        expect(await store('robots', '--parent', parent)).toEqual({
          status,
          stdout: '',
          stderr: expect.stringContaining(
            `error: cannot make "robots" a sub-store of "${stored}": ${sentence}\n`,
          ),
        });
      }
      expect((await run('list', 'stores')).stdout).not.toContain('robots');

      const address = ['--store-url', 'https://robots.example'];
      await put('robots', '--kind', 'device-view', '--parent', 'acme-store', ...address);
      await put('robots-eu', '--parent', 'robots');
      const url = 'https://robots.example';
      expect(await signed('acme-store')).toEqual({ revision: 0, friendly: [], url: undefined });
      expect(await signed('robots')).toEqual({ revision: 0, friendly: ['acme-store'], url });
      expect(await signed('robots-eu')).toEqual({
        revision: 0,
        friendly: ['robots', 'acme-store'],
        url: undefined,
      });

      // Parent and address stay where nothing is said of them; nothing is signed anew.
      await put('robots', '--kind', 'device-view', '--include', 'acme-store');
      expect(await signed('robots')).toEqual({ revision: 0, friendly: ['acme-store'], url });
      const circle = await store('acme-store', '--parent', 'robots-eu');
      expect(circle).toMatchObject({ status: 2, stderr: expect.stringContaining('that one is below it') });

      expect((await run('list', 'stores')).stdout).toMatch(
        /^robots +robots +device-view +acme +acme-store +all of acme-store$/m,
      );
      const json: unknown = JSON.parse((await run('list', 'stores', '--json')).stdout);
      const includes = [{ store: 'acme-store', snaps: 'all' }];
      expect(json).toContainEqual(
        expect.objectContaining({ id: 'robots', kind: 'device-view', parent: 'acme-store', includes }),
      );

      // Whom a rule of the parent would leave out is said before it does.
      await put('windows', '--kind', 'device-view', '--include', 'robots');
      const scope = await run('scope', 'acme-store', '--dry-run');
      expect(scope.stderr).toBe(
        'These stores show snaps of acme-store and are not below it, so their devices get nothing that is tied to it: windows. A store of the same brand becomes its sub-store by "airlock authority create store ID … --parent acme-store".\n',
      );
      expect((await run('scope', 'acme-store')).stderr).toBe(scope.stderr);
      expect((await run('unscope', 'acme-store')).stderr).toBe('');
      await put('windows', '--kind', 'device-view', '--include', 'robots', '--parent', 'acme-store');
      expect((await run('scope', 'acme-store', '--json')).stderr).toBe('');

      // What stands below changes along.
      await put('kiosks');
      await put('robots', '--kind', 'device-view', '--parent', 'kiosks');
      expect(await signed('robots')).toEqual({ revision: 1, friendly: ['kiosks'], url });
      expect(await signed('robots-eu')).toMatchObject({ revision: 1, friendly: ['robots', 'kiosks'] });
      await put('robots', '--kind', 'device-view', '--no-parent');
      expect(await signed('robots')).toEqual({ revision: 2, friendly: [], url });
      expect(await signed('robots-eu')).toMatchObject({ revision: 2, friendly: ['robots'] });
      expect(await signed('kiosks')).toMatchObject({ revision: 0 });
    } finally {
      await close();
    }
  });
});
