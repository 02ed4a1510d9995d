import type { Caveat, Permission } from '../../src/publishers/index.ts';
import type { TokenOffice } from '../../src/storage/authority/index.ts';

/** A credential of an authority for an account that may do so much, within further limits, for the time of a test. */
export async function issueLogin(
  tokens: TokenOffice,
  accountId: string,
  permissions: readonly Permission[],
  more: readonly Caveat[] = [],
): Promise<string> {
  const now = new Date();
  const { macaroon } = await tokens.issue(
    {
      accountId,
      kind: 'publisher',
      description: 'a test',
      expires: new Date(now.getTime() + 86_400_000),
      limits: [{ condition: 'acl', permissions }, ...more],
      actor: 'test',
    },
    'authority',
    now,
  );
  return macaroon;
}
