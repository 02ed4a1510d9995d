import { z } from 'zod';
import { ROLE_SETTING, isOnline } from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import type { SettingStore } from '../storage/index.ts';

/** Who a host serves: `authority` publishers and brands, `online` devices with a route outside, `airgap` devices without one. */
export const ROLES = ['authority', 'online', 'airgap'] as const;
const role = z.enum(ROLES);
export type Role = z.infer<typeof role>;

/** @throws AirlockError `role-unknown` */
export function parseRole(text: string): Role {
  const parsed = role.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new AirlockError(
    'invalid',
    'role-unknown',
    `cannot take the role "${text.slice(0, 40)}": it is one of ${ROLES.join(', ')}`,
  );
}

/**
 * Settles what this host serves: the role of its data folder is chosen at the first start, `airgap` unless told otherwise, and is the
 * same ever after, but that an online host becomes an air-gapped one by `enable-airgap-mode`. Air-gapped mode is switched on here
 * too, which makes `proxy.device-auth.secret` once (seed 000).
 * @throws AirlockError `role-fixed` when another role is asked for later
 */
export async function settleRole(
  settings: SettingStore,
  asked: Role | undefined,
  at: Date,
  secret: () => string,
): Promise<Role> {
  const present = await settings.get(ROLE_SETTING);
  if (present === undefined) {
    const chosen = asked ?? 'airgap';
    await settings.change(
      new Map([
        [ROLE_SETTING, { value: chosen, secret: false }],
        ['proxy.airgap', { value: chosen === 'airgap' ? 'True' : 'False', secret: false }],
      ]),
      at,
    );
  }
  const served = await servedRole(settings);
  // A host that left the outside behind is still started as it always was.
  if (asked !== undefined && asked !== served && asked !== present) {
    throw new AirlockError(
      'conflict',
      'role-fixed',
      `cannot make this host ${asked}: its data folder is that of an ${served} host; use another --data`,
    );
  }
  if (served === 'airgap') await settings.secretOnce('proxy.device-auth.secret', secret, at);
  await settings.secretOnce('proxy.auth.secret', secret, at);
  return served;
}

/** Whom this host serves now: as it was set up, but for an online host whose air-gapped mode was enabled since. */
export async function servedRole(settings: SettingStore): Promise<Role> {
  const all = await settings.all();
  const chosen = parseRole(all.get(ROLE_SETTING) ?? 'airgap');
  return chosen === 'online' && !isOnline(all) ? 'airgap' : chosen;
}
