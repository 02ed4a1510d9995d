import { execFile } from 'node:child_process';
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Hsm, HsmKeyId, HsmOptions } from '../../src/hsm/index.ts';
import { withDefaults } from '../../src/hsm/open-hsm.ts';
import { TokenHsm } from '../../src/hsm/token-hsm.ts';

/** What the stand-in can do. */
export interface SlowTokenOptions {
  /** Signatures a second, one after another, as tokens with a processor of their own make them. */
  readonly perSecond: number;
  /** Ids under which its one key is known; two ids are two brands, as far as the order of service is concerned. */
  readonly keys: readonly HsmKeyId[];
  readonly hsm?: Partial<HsmOptions>;
}

/**
 * An HSM whose token signs at a fixed rate in a process of its own, without this machine's processor; everything on our
 * side of the process is the product's. Made for benches and for tests of order, it cannot make or delete keys.
 */
export async function openSlowToken({ perSecond, keys, hsm: options }: SlowTokenOptions): Promise<Hsm> {
  const env = {
    SLOW_TOKEN_PER_SECOND: String(perSecond),
    SLOW_TOKEN_KEY: await makePrivateKey(),
    SLOW_TOKEN_KEYS: keys.join(' '),
  };
  const script = new URL('./slow-token-child.ts', import.meta.url);
  const defaults = { module: { path: 'none', env }, tokenLabel: 'slow', pin: async () => '', probeEvery: 0 };
  const hsm = new TokenHsm(withDefaults({ ...defaults, ...options }, script));
  await hsm.firstAttempt;
  return hsm;
}

/** RSA 4096, of four primes where the openssl command is there (much cheaper to use), of two where it is not. */
async function makePrivateKey(): Promise<string> {
  const bits = 4096;
  const parameters = ['-pkeyopt', `rsa_keygen_bits:${bits}`, '-pkeyopt', 'rsa_keygen_primes:4'];
  try {
    return (await promisify(execFile)('openssl', ['genpkey', '-quiet', '-algorithm', 'RSA', ...parameters]))
      .stdout;
  } catch {
    const pem = { type: 'pkcs8', format: 'pem' } as const;
    const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
    const made = await promisify(generateKeyPair)('rsa', {
      modulusLength: bits,
      publicKeyEncoding,
      privateKeyEncoding: pem,
    });
    return made.privateKey;
  }
}
