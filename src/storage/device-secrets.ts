import { z } from 'zod';
import type { SettingStore } from './setting-store.ts';

/** Under this setting a rotation keeps the secret before the present one, sealed, with the end of its grace period. */
const PREVIOUS = 'airlock.device-auth.previous';
const PRESENT = 'proxy.device-auth.secret';
const previousSecret = z.object({ secret: z.string(), until: z.iso.datetime() });

/** A secret that device sessions are signed with. */
export interface SessionSecret {
  readonly secret: Uint8Array;
  /** Undefined for the present one; the one before is accepted until then. */
  readonly until: Date | undefined;
}

/** The secrets that device sessions are accepted under: the present one, and the one before in its grace period. */
export async function deviceSecrets(settings: SettingStore): Promise<readonly SessionSecret[]> {
  const present = await settings.get(PRESENT);
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

/**
 * Puts a new secret in force; sessions under the present one are good until `until`, and those under the one before it
 * end now.
 */
export async function rotateDeviceSecret(
  settings: SettingStore,
  fresh: string,
  until: Date,
  at: Date,
): Promise<void> {
  const present = await settings.get(PRESENT);
  await settings.change(
    new Map([
      [PRESENT, { value: fresh, secret: true }],
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
