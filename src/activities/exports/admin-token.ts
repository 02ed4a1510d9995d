import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileNames } from '../../bundles/index.ts';
import { tokenDigest } from '../../publishers/index.ts';
import type { Queries } from '../../storage/index.ts';
import type { ExportedToken, StoreExport } from '../../workflows/export-contract.ts';
import { AssertionCloser, accountKeys } from './assertions.ts';
import type { ExportDeps } from './deps.ts';
import { storesFor, withShares } from './described-stores.ts';
import { ExportError } from './errors.ts';
import { makeExportFolder } from './folder.ts';
import { freePath } from './free-path.ts';

/** Life of an exported admin token: one year, as the documented one (protocol/operators.md 2.1). */
const TOKEN_DAYS = 365;

/**
 * Issues the admin token of a store's export into a file of its owner's alone. A repeat of the same export finds the file, and
 * issues nothing.
 * @throws ExportError `store-unknown`, `admin-unknown`, `key-unknown`, `export-folder-unusable`
 */
export async function issueAdminToken(
  input: StoreExport,
  at: Date,
  deps: ExportDeps,
): Promise<ExportedToken> {
  const { queries } = deps.database;
  const [store] = withShares(await storesFor(queries, input.store), input.shareWith ?? []);
  const account = await adminOf(queries, input);
  await accountKeys(new AssertionCloser(queries), input.keys);
  const folder = await makeExportFolder(input.exportDir, deps.exportFolder);
  const year = new Date(at.getTime() + TOKEN_DAYS * 86_400_000);
  const until = input.adminUntil === undefined ? year : new Date(input.adminUntil);
  const expires = until < year ? until : year;
  const place = { folder, nameAt: (time: string) => fileNames.adminToken(input.store, time), at };
  const path = await freePath(
    place,
    async (one) => (await issuedBefore(queries, one, account)) !== undefined,
  );
  const before = await issuedBefore(queries, path, account);
  if (before !== undefined)
    return { ...before, path, accountId: account, expiresAt: before.expiresAt ?? expires.toISOString() };
  const issued = await deps.tokens.issue(
    {
      accountId: account,
      kind: 'admin',
      description: `Export of store ${input.store}`,
      expires,
      limits: [
        { condition: 'acl', permissions: ['store_admin'] },
        { condition: 'store_ids', ids: [input.store] },
      ],
      storeId: input.store,
      ...(store?.brandId ? { brandId: store.brandId } : {}),
      actor: input.actor,
    },
    deps.location,
    at,
  );
  await writeFile(`${path}.part`, `${issued.macaroon}\n`, { mode: 0o600 });
  await rename(`${path}.part`, path);
  return {
    path,
    accountId: account,
    digest: issued.digest,
    sessionId: issued.sessionId,
    expiresAt: expires.toISOString(),
  };
}

/** The token in a file, if an interrupted run of this export issued it for that account. */
async function issuedBefore(queries: Queries, path: string, accountId: string) {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === undefined) return undefined;
  const digest = tokenDigest(present);
  const row = await queries
    .selectFrom('Token')
    .select(['sessionId', 'expiresAt'])
    .where('digest', '=', digest)
    .where('accountId', '=', accountId)
    .executeTakeFirst();
  return row && { ...row, digest };
}

/** Revokes an admin token whose export failed, and removes its file; a repeat finds both done. */
export async function withdrawAdminToken(
  { path, sessionId }: ExportedToken,
  actor: string,
  { tokens, now }: ExportDeps,
): Promise<void> {
  await tokens.revoke({ sessionId, actor }, now());
  await rm(path, { force: true });
}

async function adminOf(queries: Queries, input: StoreExport): Promise<string> {
  const roles = await queries
    .selectFrom('StoreRole')
    .innerJoin('Account', 'Account.id', 'StoreRole.accountId')
    .select(['Account.id as id', 'Account.email as email', 'Account.username as username'])
    .where('StoreRole.storeId', '=', input.store)
    .where('StoreRole.role', '=', 'admin')
    .orderBy('StoreRole.id')
    .execute();
  const wanted = input.admin;
  const found =
    wanted === null ? roles[0] : roles.find((row) => [row.id, row.email, row.username].includes(wanted));
  if (found === undefined)
    throw new ExportError(
      'admin-unknown',
      wanted === null
        ? `cannot export store ${input.store}: it has no account with the role Admin`
        : `cannot export store ${input.store} for ${wanted}: that account does not have the role Admin there`,
    );
  return found.id;
}
