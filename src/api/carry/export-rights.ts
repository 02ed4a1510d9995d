import type { Context } from 'hono';
import { ExportError } from '../../activities/exports/errors.ts';
import { AirlockError, isAirlockError } from '../../errors.ts';
import { checkChannel, checkSnap, type Attenuation } from '../../publishers/index.ts';
import { findAccountKey } from '../../storage/authority/index.ts';
import type { Queries } from '../../storage/index.ts';
import { roleMissing, storeNotSeen, UpstreamError } from '../../upstream/index.ts';
import type { AccountExportRequest } from './export-contract.ts';
import { identify, NEEDS, requireRoleOf, type CarryAct, type Caller, type RoleDeps } from './roles.ts';

/**
 * Who may begin an export: snaps take what seeing them takes, a store's metadata what administering it takes. The refusals have the
 * words of a fetch by an online host.
 * @throws UpstreamError `role-missing`; AirlockError `store-unknown`
 */
export async function requireExport(
  deps: RoleDeps,
  caller: Caller,
  store: string,
  request: AccountExportRequest,
): Promise<void> {
  if (request.kind === 'store') await requireAct(deps, caller, store, 'administer');
  if (request.kind === 'snaps' || request.snaps) await requireAct(deps, caller, store, 'view');
  await requireReach(deps.database.queries, caller.attenuation, request);
}

/** Whoever comes back for an export must still have what it took: a role that was taken away counts at once. */
export async function requireStill(
  deps: RoleDeps,
  caller: Caller,
  store: string,
  kind: AccountExportRequest['kind'],
): Promise<void> {
  await requireAct(deps, caller, store, kind === 'store' ? 'administer' : 'view');
}

/**
 * Whose the credential of a request is.
 * @throws UpstreamError `login-refused`
 */
export async function knownCaller(deps: RoleDeps, context: Context): Promise<Caller> {
  try {
    return await identify(deps, context);
  } catch (error) {
    if (!isAirlockError(error) || error.kind !== 'unauthenticated') throw error;
    throw new UpstreamError(
      'login-refused',
      'cannot use the login file here: it was refused or has ended; export it again',
      error,
    );
  }
}

async function requireAct(deps: RoleDeps, caller: Caller, store: string, act: CarryAct): Promise<void> {
  try {
    await requireRoleOf(deps, caller, store, act);
  } catch (error) {
    if (!isAirlockError(error)) throw error;
    const what = act === 'administer' ? `export store ${store}` : `export snaps of store ${store}`;
    if (error.kind === 'forbidden') throw roleMissing(what, error.code, NEEDS[act], store);
    if (error.kind !== 'not-found') throw error;
    const sentence = `cannot ${what}: ${storeNotSeen('this authority', store, NEEDS[act])}`;
    throw new AirlockError('not-found', 'store-unknown', sentence, { cause: error });
  }
}

/** A log-in that is narrowed to snaps or channels brings these alone: never a whole store, and nothing that is not named. */
async function requireReach(
  queries: Queries,
  attenuation: Attenuation,
  request: AccountExportRequest,
): Promise<void> {
  const narrowed = attenuation.caveats.some(({ condition }) =>
    ['package', 'package_id', 'channel'].includes(condition),
  );
  if (!narrowed) return;
  const isPlain =
    request.kind === 'snaps' &&
    request.packages.length === 0 &&
    request.channels.length > 0 &&
    !request.withDependencies;
  if (!isPlain)
    throw new UpstreamError(
      'role-missing',
      'cannot export this: the login is limited to snaps or channels, and brings only snaps and channels that are named; export it again without --snaps and --channels',
    );
  for (const channel of request.channels) checkChannel(attenuation, channel);
  for (const name of request.names) {
    const row = await queries.selectFrom('Snap').select('snapId').where('name', '=', name).executeTakeFirst();
    checkSnap(attenuation, { name, id: row?.snapId });
  }
}

/**
 * Keys of another account would be carried in unnoticed.
 * @throws ExportError `key-unknown`; UpstreamError `key-of-other-account`
 */
export async function requireKeysOfBrand(
  queries: Queries,
  store: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const row = await queries.selectFrom('Store').select('brandId').where('id', '=', store).executeTakeFirst();
  for (const id of keys) {
    const key = await findAccountKey(queries, id);
    if (key === undefined)
      throw new ExportError('key-unknown', `cannot export the account-key ${id}: it is not registered here`);
    if (key.accountId !== row?.brandId)
      throw new UpstreamError(
        'key-of-other-account',
        `cannot export the account-key ${id}: it is one of ${key.accountId}, not of the brand`,
      );
  }
}
