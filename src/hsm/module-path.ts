import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HsmError } from './errors.ts';

/** Directories under which distributions keep PKCS#11 modules; `*` is one name, as in Debian's architecture folders. */
const SOFTHSM_PLACES = [
  '/usr/lib/*/softhsm/libsofthsm2.so',
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/libsofthsm2.so',
  '/usr/lib/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
const P11_KIT_CLIENT_PLACES = [
  '/usr/lib/*/pkcs11/p11-kit-client.so',
  '/usr/lib64/pkcs11/p11-kit-client.so',
  '/usr/lib/pkcs11/p11-kit-client.so',
  '/usr/local/lib/pkcs11/p11-kit-client.so',
  '/opt/homebrew/lib/pkcs11/p11-kit-client.so',
];

/** Where SoftHSM 2 is installed. Throws {@link HsmError} `hsm-module-missing` that says what to install. */
export function findSoftHsmModule(): string {
  return firstOf(SOFTHSM_PLACES, 'SoftHSM 2', 'softhsm2');
}

/** Where the module that talks to a p11-kit server is installed. Throws {@link HsmError} `hsm-module-missing`. */
export function findP11KitClient(): string {
  return firstOf(P11_KIT_CLIENT_PLACES, 'the p11-kit client module', 'p11-kit and p11-kit-modules');
}

function firstOf(places: readonly string[], what: string, packages: string): string {
  for (const place of places) {
    const found = expand(place).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new HsmError(
    'hsm-module-missing',
    `cannot find ${what} in the usual places; install the distribution's ${packages}, or name the module's path`,
  );
}

function expand(place: string): string[] {
  const [before, after] = place.split('/*/');
  if (before === undefined || after === undefined) return [place];
  return existsSync(before) ? readdirSync(before).map((name) => join(before, name, after)) : [];
}
