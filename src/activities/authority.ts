import { DEFAULT_TOKEN } from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import { checkAccount } from '../publishers/index.ts';
import { GENERAL_STORE } from '../brands/index.ts';
import { AUTHORITY_ACCOUNT_SETTING } from '../storage/authority/index.ts';
import { appendAct, raiseGeneration, type Database, type Queries } from '../storage/index.ts';
import type { InitAuthorityInput } from '../workflows/authority-contract.ts';

/** What the authority's activities without a key are given. */
export interface AuthorityDeps {
  readonly database: Database;
}

/** The authority's activities that write rows and sign nothing. */
export function createAuthorityActivities({ database }: AuthorityDeps) {
  return {
    /**
     * Writes down who the authority is, the ids of the two keys to be made, and the general store. A repeat with the
     * same account changes nothing.
     *
     * @param input.keyIds CKA_IDs, chosen by the workflow so that a retry names the same keys
     */
    async prepareAuthority(input: {
      readonly init: InitAuthorityInput;
      readonly keyIds: { readonly root: string; readonly store: string };
      readonly at: string;
    }): Promise<void> {
      await database.transaction((queries) => prepareAuthority(queries, input));
    },
  };
}

/** The type that workflows see. */
export type AuthorityActivities = ReturnType<typeof createAuthorityActivities>;

async function prepareAuthority(
  queries: Queries,
  {
    init,
    keyIds,
    at,
  }: { init: InitAuthorityInput; keyIds: { readonly root: string; readonly store: string }; at: string },
): Promise<void> {
  const account = checkAccount({ ...init, id: init.accountId, validation: 'verified' });
  await claimAuthority(queries, account.id, at);
  const { id, username, displayName, email, validation } = account;
  await queries
    .insertInto('Account')
    .values({ id, username, displayName, email, validation, createdAt: at })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  const tokens = { root: init.rootToken ?? DEFAULT_TOKEN, store: init.storeToken ?? DEFAULT_TOKEN };
  for (const name of ['root', 'store'] as const) {
    await queries
      .insertInto('SigningKey')
      .values({
        hsmKeyId: keyIds[name],
        token: tokens[name],
        brandId: id,
        name,
        createdAt: at,
        createdBy: id,
        signatures: 0,
      })
      .onConflict((conflict) => conflict.columns(['brandId', 'name']).doNothing())
      .execute();
  }
  const general = { id: GENERAL_STORE, name: 'Global', kind: 'general', createdAt: at, changedAt: at };
  await queries
    .insertInto('Store')
    .values(general)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  await appendAct(queries, { at: new Date(at), actor: 'operator', act: 'authority.init', subject: id });
  await raiseGeneration(queries, 'settings');
}

async function claimAuthority(queries: Queries, accountId: string, at: string): Promise<void> {
  const row = { key: AUTHORITY_ACCOUNT_SETTING, value: accountId, sealed: false, changedAt: at };
  await queries
    .insertInto('Setting')
    .values(row)
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const { value } = await queries
    .selectFrom('Setting')
    .select('value')
    .where('key', '=', AUTHORITY_ACCOUNT_SETTING)
    .executeTakeFirstOrThrow();
  if (value === accountId) return;
  const sentence = `cannot make an authority "${accountId}" here: this host is the authority "${value}" already`;
  throw new AirlockError('conflict', 'authority-exists', sentence);
}
