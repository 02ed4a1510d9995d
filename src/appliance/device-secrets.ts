import { z } from 'zod';
import type { DeviceSecret } from '../api/device/index.ts';
import type { SettingStore } from '../storage/index.ts';

/** Under this setting a rotation keeps the secret before the present one, sealed, with the end of its grace period. */
const PREVIOUS = 'airlock.device-auth.previous';
const previousSecret = z.object({ secret: z.string(), until: z.iso.datetime() });

/** The secrets that device sessions are accepted under: the present one, and the one before in its grace period. */
export async function deviceSecrets(settings: SettingStore): Promise<readonly DeviceSecret[]> {
  const present = await settings.get('proxy.device-auth.secret');
  if (present === undefined) return [];
  const previous = await settings.get(PREVIOUS);
  const { secret, until } = previous === undefined ? {} : previousSecret.parse(JSON.parse(previous));
  return [
    { secret: Buffer.from(present, 'utf8'), until: undefined },
    ...(secret !== undefined && until !== undefined
      ? [{ secret: Buffer.from(secret, 'utf8'), until: new Date(until) }]
      : []),
  ];
}

/** Puts a new secret in force; sessions under the present one are good until `until`. */
export async function rotateDeviceSecret(
  settings: SettingStore,
  fresh: string,
  until: Date,
  at: Date,
): Promise<void> {
  const present = await settings.get('proxy.device-auth.secret');
  await settings.change(
    new Map([
      ['proxy.device-auth.secret', { value: fresh, secret: true }],
      [
        PREVIOUS,
        present === undefined
          ? undefined
          : { value: JSON.stringify({ secret: present, until: until.toISOString() }), secret: true },
      ],
    ]),
    at,
  );
}
