import { trustOnly } from '../config/index.ts';
import { EGRESS_CA_SETTING } from '../storage/index.ts';
import type { Foundation } from './foundation.ts';
import { followSettings } from './settings-watch.ts';

/**
 * Makes connections to other hosts trust the CAs of `use-ca-certs` alone, in the whole process, and again those that it
 * began with when they are removed.
 * @returns ends it
 */
export async function followEgressTrust(foundation: Foundation): Promise<() => Promise<void>> {
  let restore: (() => void) | undefined;
  return followSettings(foundation, async () => {
    const pem = await foundation.settings.get(EGRESS_CA_SETTING);
    restore?.();
    restore = pem === undefined ? undefined : trustOnly(pem);
  });
}
