import { expect, test } from 'vitest';
import { applyUndo } from '../../../src/activities/imports/undo/apply.ts';
import { ImportChanges } from '../../../src/activities/imports/changes.ts';
import { writeAssertions } from '../../../src/activities/imports/catalog-rows.ts';
import { writeAccounts } from '../../../src/activities/imports/store-rows.ts';
import { emptyUndo } from '../../../src/activities/imports/undo/undo.ts';
import { formatTimestamp, signAssertion, type Assertion } from '../../../src/assertions/index.ts';
import { AT, newHost, newOutside, type Host } from '../../workflows/carried-store.ts';
import type { Outside } from '../../workflows/hosts.ts';

const account = (
  { chain }: Outside,
  { revision, name, validation }: { revision: number; name: string; validation: string },
) =>
  signAssertion(
    {
      type: 'account',
      headers: {
        'authority-id': 'test-root',
        'account-id': 'acme',
        username: 'acme',
        'display-name': name,
        validation,
        timestamp: formatTimestamp(AT),
        ...(revision > 0 && { revision: String(revision) }),
      },
    },
    chain.rootSigner,
    AT,
  );

/** Brings an account's assertion in, and gives what it changed. */
async function bring({ database: { queries } }: Host, assertion: Assertion): Promise<ImportChanges> {
  const changes = new ImportChanges(queries, emptyUndo(), AT);
  await writeAssertions(changes, [assertion]);
  await writeAccounts(changes, [assertion], null);
  return changes;
}

const seen = ({ database: { queries } }: Host) =>
  queries
    .selectFrom('Account')
    .select(['displayName', 'validation'])
    .where('id', '=', 'acme')
    .executeTakeFirst();

test('an account is what its newest assertion says: an older one that comes later changes nothing', async () => {
  const outside = await newOutside();
  const inside = await newHost();
  const old = await account(outside, { revision: 0, name: 'Acme', validation: 'unproven' });
  await bring(inside, old);
  expect(await seen(inside)).toEqual({ displayName: 'Acme', validation: 'unproven' });

  const renamed = await account(outside, { revision: 1, name: 'Acme Ltd', validation: 'verified' });
  const { items, undo } = await bring(inside, renamed);
  expect(items).toContainEqual({
    action: 'updated',
    kind: 'account',
    subject: 'acme',
    detail: 'Acme Ltd, verified',
  });
  expect(await seen(inside)).toEqual({ displayName: 'Acme Ltd', validation: 'verified' });

  expect((await bring(inside, old)).items).toEqual([]);
  const other = await account(outside, { revision: 1, name: 'Another', validation: 'unproven' });
  expect((await bring(inside, other)).items).toEqual([]);
  expect(await seen(inside)).toEqual({ displayName: 'Acme Ltd', validation: 'verified' });

  const { queries } = inside.database;
  await applyUndo({ queries, undo, madeAt: AT.toISOString(), subject: 'import 2' });
  expect(await seen(inside)).toEqual({ displayName: 'Acme', validation: 'unproven' });
});
