import { AirlockError } from '../../errors.ts';
import type { Queries } from '../database.ts';

/** Under this setting an authority keeps its own account id; a host without it is no authority. */
export const AUTHORITY_ACCOUNT_SETTING = 'authority.account-id';

/**
 * The account that the authority signs as.
 *
 * @throws AirlockError `not-an-authority`
 */
export async function authorityAccountId(queries: Queries): Promise<string> {
  const row = await queries
    .selectFrom('Setting')
    .select('value')
    .where('key', '=', AUTHORITY_ACCOUNT_SETTING)
    .executeTakeFirst();
  if (row) return row.value;
  const sentence = 'cannot do this here: this host is no authority; run "airlock authority init" first';
  throw new AirlockError('conflict', 'not-an-authority', sentence);
}
