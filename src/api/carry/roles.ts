import type { Context } from 'hono';
import { AirlockError } from '../../errors.ts';
import {
  checkPermission,
  checkRole,
  checkStore,
  type Attenuation,
  type StoreAct,
} from '../../publishers/index.ts';
import { rolesIn, type TokenOffice } from '../../storage/authority/index.ts';
import type { Database } from '../../storage/index.ts';
import { TO_ADMINISTER, TO_VIEW, type Need } from '../../upstream/index.ts';
import { macaroonIn } from '../macaroon-header.ts';

/** What it takes to know who asks. */
export interface RoleDeps {
  readonly database: Database;
  readonly tokens: TokenOffice;
  readonly clock: () => Date;
}

/** Whose a credential is. */
export interface Caller {
  readonly accountId: string;
  readonly attenuation: Attenuation;
  /** The credential itself, as it came. */
  readonly macaroon: string;
}

/** What accounts ask of their stores here. */
export type CarryAct = Extract<StoreAct, 'view' | 'administer'>;

/** What each takes. */
export const NEEDS: Readonly<Record<CarryAct, Need>> = { view: TO_VIEW, administer: TO_ADMINISTER };

/** The account of a request's credential; refused as if there were no such store unless it has a role there. */
export async function requireRole(
  deps: RoleDeps,
  context: Context,
  store: string,
  act: CarryAct,
): Promise<Caller> {
  const caller = await identify(deps, context);
  await requireRoleOf(deps, caller, store, act);
  return caller;
}

/**
 * Whose the credential of a request is.
 * @throws PublisherError or AirlockError of the kind `unauthenticated`
 */
export async function identify(deps: RoleDeps, context: Context): Promise<Caller> {
  const macaroon = macaroonIn(context.req.header('authorization'));
  if (macaroon === undefined)
    throw new AirlockError(
      'unauthenticated',
      'login-missing',
      'cannot tell who asks: send "Authorization: Macaroon TOKEN"',
    );
  return { ...(await deps.tokens.verify(macaroon, deps.clock())), macaroon };
}

/** @throws PublisherError `macaroon-permission-required`, `role-required`; AirlockError `store-unknown` */
export async function requireRoleOf(
  deps: RoleDeps,
  { accountId, attenuation }: Caller,
  store: string,
  act: CarryAct,
): Promise<void> {
  const { role, permission } = NEEDS[act];
  checkPermission(attenuation, permission);
  checkStore(attenuation, store);
  const roles = await rolesIn(deps.database.queries, accountId, store);
  if (roles.length === 0)
    throw new AirlockError(
      'not-found',
      'store-unknown',
      `cannot find the store ${store.slice(0, 80)}: there is none that this account has a role in, and it needs the role ${role}`,
    );
  checkRole(roles, act, store);
}
