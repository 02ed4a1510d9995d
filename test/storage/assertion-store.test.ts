import { describe, expect, test } from 'vitest';
import { signAssertion } from '../../src/assertions/index.ts';
import { addAssertions, findAssertion } from '../../src/storage/index.ts';
import { newSigner } from '../support/brand-chain.ts';
import { temporaryDatabase } from '../support/database.ts';

const AT = new Date('2026-01-01T00:00:00Z');
const signer = newSigner();

const account = (revision: number) =>
  signAssertion(
    {
      type: 'account',
      headers: {
        'authority-id': 'brand',
        'account-id': 'brand',
        'display-name': 'Brand',
        username: 'brand',
        validation: 'unproven',
        timestamp: '2026-01-01T00:00:00Z',
        revision: String(revision),
      },
    },
    signer,
    AT,
  );

describe('assertions', () => {
  test('are kept up to the highest revision that every database holds, and none of a batch with a higher one', async () => {
    const database = await temporaryDatabase();
    const kept = async () => (await findAssertion(database.queries, 'account', ['brand']))?.revision;
    const add = (revisions: readonly number[]) =>
      database.transaction(async (queries) =>
        addAssertions(queries, await Promise.all(revisions.map(account)), { at: AT }),
      );
    await expect(add([1, 2 ** 31])).rejects.toMatchObject({
      code: 'assertion-not-kept',
      message: expect.stringMatching(/^cannot keep .*: its number 2147483648 is higher than 2147483647/),
    });
    expect(await kept()).toBeUndefined();
    expect(await add([1, 2 ** 31 - 1])).toBe(2);
    expect(await kept()).toBe(2 ** 31 - 1);
  });
});
