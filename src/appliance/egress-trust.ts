import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { EGRESS_CA_SETTING } from '../storage/index.ts';
import type { Foundation } from './foundation.ts';
import { followSettings } from './settings-watch.ts';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Makes connections to other hosts trust the CAs of `use-ca-certs` alone, in the whole process, and again those that it
 * began with when they are removed.
 * @returns ends it
 */
export async function followEgressTrust(foundation: Foundation): Promise<() => Promise<void>> {
  const usual = getCACertificates('default');
  let own = false;
  return followSettings(foundation, async () => {
    const pem = await foundation.settings.get(EGRESS_CA_SETTING);
    if (pem === undefined && !own) return;
    setDefaultCACertificates(pem === undefined ? usual : (pem.match(PEM) ?? []));
    own = pem !== undefined;
  });
}
