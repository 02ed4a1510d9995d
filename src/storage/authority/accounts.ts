import { AirlockError } from '../../errors.ts';
import { isStoreRole, parseAccountId, type Account, type StoreRole } from '../../publishers/index.ts';
import { appendAct } from '../audit-log.ts';
import type { Queries } from '../database.ts';

/** An account as the tables hold it. */
export interface AccountRow {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly validation: string;
}

/** What an account is in one store. */
export interface Membership {
  readonly storeId: string;
  readonly storeName: string;
  readonly roles: readonly StoreRole[];
}

/**
 * Adds an account. The very same account again changes nothing. Call it in a transaction.
 *
 * @throws AirlockError `account-exists` when the id or username is another account's
 */
export async function addAccount(queries: Queries, account: Account, at: Date): Promise<void> {
  const { id, username, displayName, email, validation } = account;
  const rows = await queries
    .selectFrom('Account')
    .selectAll()
    .where((eb) => eb.or([eb('id', '=', id), eb('username', '=', username), eb('email', '=', email)]))
    .execute();
  const same = rows.find((row) => row.id === id && row.username === username && row.email === email);
  if (rows.some((row) => row !== same)) {
    const sentence = `cannot add the account "${username}": its id, username or e-mail address is another account's`;
    throw new AirlockError('conflict', 'account-exists', sentence);
  }
  const row = { username, displayName, email, validation };
  await queries
    .insertInto('Account')
    .values({ id, ...row, createdAt: at.toISOString() })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute();
  await appendAct(queries, { at, actor: 'operator', act: 'account.add', subject: id, details: { username } });
}

/**
 * Finds an account by its id, username or e-mail address.
 *
 * @throws AirlockError `account-unknown`
 */
export async function findAccount(queries: Queries, reference: string): Promise<AccountRow> {
  const row = await queries
    .selectFrom('Account')
    .select(['id', 'username', 'displayName', 'email', 'validation'])
    .where((eb) =>
      eb.or([
        eb('id', '=', reference),
        eb('username', '=', reference),
        eb('email', '=', reference.toLowerCase()),
      ]),
    )
    .executeTakeFirst();
  if (row) return row;
  const sentence = `cannot find the account "${reference.slice(0, 80)}": give its id, username or e-mail address`;
  throw new AirlockError('not-found', 'account-unknown', sentence);
}

/** Every account, by username. */
export async function listAccounts(queries: Queries): Promise<AccountRow[]> {
  return queries
    .selectFrom('Account')
    .select(['id', 'username', 'displayName', 'email', 'validation'])
    .orderBy('username')
    .execute();
}

/** Gives an account a role in a store; a role that it has already is left alone. Call it in a transaction. */
export async function grantRole(
  queries: Queries,
  grant: { readonly storeId: string; readonly accountId: string; readonly role: StoreRole },
  at: Date,
): Promise<void> {
  const { storeId, accountId, role } = grant;
  await queries
    .insertInto('StoreRole')
    .values({ storeId, accountId: parseAccountId(accountId), role })
    .onConflict((conflict) => conflict.columns(['storeId', 'accountId', 'role']).doNothing())
    .execute();
  await appendAct(queries, {
    at,
    actor: 'operator',
    act: 'role.grant',
    subject: accountId,
    details: { storeId, role },
  });
}

/**
 * Takes a role back. Call it in a transaction.
 *
 * @throws AirlockError `role-unknown` when the account does not have it
 */
export async function revokeRole(
  queries: Queries,
  grant: { readonly storeId: string; readonly accountId: string; readonly role: StoreRole },
  at: Date,
): Promise<void> {
  const { storeId, accountId, role } = grant;
  const { numDeletedRows } = await queries
    .deleteFrom('StoreRole')
    .where('storeId', '=', storeId)
    .where('accountId', '=', accountId)
    .where('role', '=', role)
    .executeTakeFirstOrThrow();
  if (Number(numDeletedRows) === 0) {
    const sentence = `cannot take back the role ${role} in the store ${storeId}: the account does not have it`;
    throw new AirlockError('not-found', 'role-unknown', sentence);
  }
  await appendAct(queries, {
    at,
    actor: 'operator',
    act: 'role.revoke',
    subject: accountId,
    details: { storeId, role },
  });
}

/** The roles of an account in one store. */
export async function rolesIn(queries: Queries, accountId: string, storeId: string): Promise<StoreRole[]> {
  const rows = await queries
    .selectFrom('StoreRole')
    .select('role')
    .where('accountId', '=', accountId)
    .where('storeId', '=', storeId)
    .execute();
  return rows.map((row) => row.role).filter(isStoreRole);
}

/** Every store that an account has a role in. */
export async function membershipsOf(queries: Queries, accountId: string): Promise<Membership[]> {
  const rows = await queries
    .selectFrom('StoreRole')
    .innerJoin('Store', 'Store.id', 'StoreRole.storeId')
    .select(['Store.id', 'Store.name', 'StoreRole.role'])
    .where('StoreRole.accountId', '=', accountId)
    .orderBy('Store.id')
    .execute();
  const ids = [...new Set(rows.map((row) => row.id))];
  return ids.map((storeId) => {
    const mine = rows.filter((row) => row.id === storeId);
    return {
      storeId,
      storeName: mine[0]?.name ?? storeId,
      roles: mine.map((row) => row.role).filter(isStoreRole),
    };
  });
}
