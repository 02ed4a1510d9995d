import { Hono } from 'hono';

import { GENERAL_STORE } from '../../brands/index.ts';
import { seesSnap } from '../../publishers/index.ts';
import { accountKeysOf, findAccount, membershipsOf, snapsOf } from '../../storage/authority/index.ts';
import { callerOf } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';

/**
 * GET /dev/api/account: any valid credential may read its own account; one that is limited to snaps sees these alone
 * (protocol/publishers.md, sections 2 and 5.1). Both spellings of each name are served: clients differ.
 */
export function accountRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.get('/dev/api/account', async (context) => {
    const caller = await callerOf(deps, context);
    const { queries } = deps.database;
    const account = await findAccount(queries, caller.accountId);
    const keys = (await accountKeysOf(queries, account.id)).filter((key) => !key.revoked);
    const accountKeys = keys.map(({ name, keyId, since, until }) => ({
      name,
      'public-key-sha3-384': keyId,
      since,
      until: until?.toISOString() ?? null,
    }));
    const publisher = {
      id: account.id,
      username: account.username,
      'display-name': account.displayName,
      validation: account.validation,
    };
    const snaps = (await snapsOf(queries, account.id)).filter(({ name, snapId }) =>
      seesSnap(caller.attenuation, { name, id: snapId }),
    );
    const memberships = await membershipsOf(queries, account.id);
    return context.json({
      id: account.id,
      account_id: account.id,
      username: account.username,
      short_namespace: account.username,
      namespace: account.username,
      'display-name': account.displayName,
      displayname: account.displayName,
      email: account.email,
      validation: account.validation,
      openid_identifier: null,
      'account-keys': accountKeys,
      account_keys: accountKeys,
      stores: memberships.map(({ storeId, storeName, roles }) => ({ id: storeId, name: storeName, roles })),
      snaps: {
        '16': Object.fromEntries(
          snaps.map((snap) => [
            snap.name,
            {
              'snap-id': snap.snapId,
              status: 'Approved',
              private: snap.private,
              since: snap.createdAt,
              price: null,
              store: snap.storeId === GENERAL_STORE ? 'Global' : snap.storeId,
              publisher,
              latest_revisions: [],
              latest_release: null,
              title: '',
              summary: '',
            },
          ]),
        ),
      },
    });
  });
  return routes;
}
