import { z } from 'zod';
import { AirlockError } from '../errors.ts';
import type { SettingStore } from '../storage/index.ts';

/** Who a host serves: `authority` publishers and brands, `online` devices with a route outside, `airgap` devices without one. */
export const ROLES = ['authority', 'online', 'airgap'] as const;
const role = z.enum(ROLES);
export type Role = z.infer<typeof role>;

const ROLE_SETTING = 'airlock.role';

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
 * The role of this data folder: chosen at its first start, `airgap` unless told otherwise, the same ever after.
 * Air-gapped mode is switched on here too, which makes `proxy.device-auth.secret` once (seed 000).
 * @throws AirlockError `role-fixed` when another role is asked for later
 */
export async function settleRole(
  settings: SettingStore,
  asked: Role | undefined,
  at: Date,
  secret: () => string,
): Promise<Role> {
  const present = await settings.get(ROLE_SETTING);
  if (present !== undefined && asked !== undefined && present !== asked) {
    throw new AirlockError(
      'conflict',
      'role-fixed',
      `cannot make this host ${asked}: its data folder is that of an ${present} host; use another --data`,
    );
  }
  const settled = parseRole(present ?? asked ?? 'airgap');
  if (present === undefined) {
    await settings.change(
      new Map([
        [ROLE_SETTING, { value: settled, secret: false }],
        ['proxy.airgap', { value: settled === 'airgap' ? 'True' : 'False', secret: false }],
      ]),
      at,
    );
  }
  if (settled === 'airgap') await settings.secretOnce('proxy.device-auth.secret', secret, at);
  await settings.secretOnce('proxy.auth.secret', secret, at);
  return settled;
}
