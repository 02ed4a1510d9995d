import { fullText, oneOf, optionalMaps, refuse, presentText, unsigned, type Scope } from '../header-rules.ts';

const TYPES = ['dm-verity'];
const HASHES = ['sha256'];
const VERSION = 1n;
const SHA256_HEX = /^[0-9a-fA-F]{64}$/;

/** Checks the "integrity" header of snap and resource revisions: what a device needs to verify the data block by block. */
export function checkIntegrity(scope: Scope): void {
  for (const values of optionalMaps(scope, 'integrity') ?? []) {
    const entry = { values, where: 'of integrity data' };
    oneOf(presentText(entry, 'type'), TYPES, '"type" of integrity data');
    if (unsigned(entry, 'version') !== VERSION) refuse(`"version" of integrity data must be ${VERSION}`);
    oneOf(presentText(entry, 'hash-algorithm'), HASHES, '"hash-algorithm" of integrity data');
    unsigned(entry, 'data-block-size');
    unsigned(entry, 'hash-block-size');
    for (const name of ['digest', 'salt']) {
      if (!SHA256_HEX.test(fullText(entry, name)))
        refuse(`"${name}" of integrity data is not a SHA-256 in hexadecimal`);
    }
  }
}
