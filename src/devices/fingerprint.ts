import { createHash } from 'node:crypto';

/**
 * The OpenPGP v4 fingerprint of a public key, upper-case hex: SHA-1 over 0x99, two length bytes and the packet's body
 * (RFC 4880 section 12.2). `encoded` is the key as an account-key's body holds it: base64 of 0x01 and a key packet with a
 * new-format header (protocol/devices.md 6.2).
 */
export function openPgpFingerprint(encoded: string): string {
  const bytes = Buffer.from(encoded.replace(/\s/g, ''), 'base64');
  const body = bytes.subarray(2 + lengthOctets(bytes[2] ?? 0));
  const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
  return createHash('sha1').update(head).update(body).digest('hex').toUpperCase();
}

/** How many octets a new-format packet length takes, by its first one. */
function lengthOctets(first: number): number {
  if (first < 192) return 1;
  return first < 224 ? 2 : 5;
}
