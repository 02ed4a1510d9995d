import { createPublicKey } from 'node:crypto';
import { digestToBase64Url, sha3Of } from '../digests.ts';
import { fullText, matchingText, refuse } from '../header-rules.ts';
import { ownValue } from '../header-values.ts';
import { ACCOUNT_ID, MODEL_NAME } from '../name-patterns.ts';
import { utf8Bytes } from '../text-bytes.ts';
import { defineType } from '../type-rules.ts';
import { requireAuthorityIs } from './shared.ts';

export const hardwareIdentity = defineType({
  name: 'hardware-identity',
  primaryKey: ['issuer-id', 'hardware-id-key-sha3-384'],
  check(draft) {
    matchingText(draft, 'issuer-id', ACCOUNT_ID);
    requireAuthorityIs(draft, 'issuer-id');
    fullText(draft, 'manufacturer');
    matchingText(draft, 'hardware-name', MODEL_NAME);
    fullText(draft, 'hardware-id');
    const key = fullText(draft, 'hardware-id-key');
    checkPemBody(key);
    if (ownValue(draft.values, 'hardware-id-key-sha3-384') !== digestToBase64Url(sha3Of(utf8Bytes(key)))) {
      refuse('"hardware-id-key-sha3-384" header is not the digest of "hardware-id-key"');
    }
  },
});

/** A public key as PEM without its first and last line. */
function checkPemBody(body: string): void {
  try {
    createPublicKey(`-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`);
  } catch {
    refuse('"hardware-id-key" header is not the body of a PEM public key');
  }
}
