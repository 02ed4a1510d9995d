import { createHash } from 'node:crypto';
import { decodeArmored } from './armor.ts';
import { refWords, type Assertion } from './assertion.ts';
import { AssertionError } from './errors.ts';
import type { PublicKey } from './public-key.ts';
import { readSignaturePacket } from './signature-packets.ts';
import { utf8Text } from './text-bytes.ts';

/**
 * Checks that a key made the signature of an assertion. Says nothing of whether the key may.
 * @throws AssertionError `signature-malformed`, `signature-invalid`
 */
export function verifySignature(assertion: Assertion, key: PublicKey): void {
  const text = utf8Text(assertion.signature) ?? '';
  const packet = readSignaturePacket(decodeArmored(text, 'signature', 'signature-malformed'));
  const digest = createHash(packet.hash).update(assertion.content).update(packet.suffix).digest();
  const startFits = packet.digestStart.every((byte, index) => byte === digest[index]);
  if (!startFits || !key.verify(digest, packet.signature, packet.hash)) {
    throw new AssertionError(
      'signature-invalid',
      `cannot trust ${refWords(assertion)}: its signature does not fit its content and the key ${key.keyId}`,
    );
  }
}
