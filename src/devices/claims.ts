import { createHmac, timingSafeEqual } from 'node:crypto';

import { isSerialNumber } from './names.ts';
import { base32Groups } from './serial-numbers.ts';

/** Characters of proof in a claim code: 20 of base32 are 100 bits. */
const PROOF = 20;

/**
 * The one-use claim code of a device, as a factory derives it offline from the model's claim secret: the label (a serial
 * number) and, after a dot, 20 base32 characters of an HMAC-SHA256 over brand, model and label.
 */
export function deriveClaim(
  secret: Uint8Array,
  of: { readonly brandId: string; readonly model: string; readonly label: string },
): string {
  const proof = createHmac('sha256', secret)
    .update(`airlock claim\0${of.brandId}\0${of.model}\0${of.label}`)
    .digest();
  return `${of.label}.${base32Groups(proof, PROOF)}`;
}

/** A claim code that the model's secret made; whether it is spent is a question to the database. */
export interface Claim {
  readonly label: string;
}

/** Reads and proves a claim code, in any case of letters after the dot. Undefined when the secret did not make it. */
export function readClaim(
  secret: Uint8Array,
  of: { readonly brandId: string; readonly model: string; readonly code: string },
): Claim | undefined {
  const dot = of.code.lastIndexOf('.');
  const label = of.code.slice(0, Math.max(dot, 0));
  if (!isSerialNumber(label)) return undefined;
  const proof = Buffer.from(of.code.slice(dot + 1).toLowerCase());
  const expected = Buffer.from(deriveClaim(secret, { ...of, label }).slice(label.length + 1));
  return proof.length === expected.length && timingSafeEqual(proof, expected) ? { label } : undefined;
}

/**
 * The claim code that a request brings: the given header, else `claim-code` in a registration body that is JSON or lines of
 * `name: value` (the two forms that gadgets write).
 */
export function claimCodeOf(header: string | undefined, body: string): string | undefined {
  if (header !== undefined && header !== '') return header;
  const fromJson = jsonField(body, 'claim-code');
  return fromJson ?? /^claim-code:[ \t]*["']?([^\s"']{1,256})["']?[ \t]*$/m.exec(body)?.[1];
}

/** A text field of a body that is a JSON object; undefined when it is none. */
export function jsonField(body: string, field: string): string | undefined {
  if (!body.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null) return undefined;
    const found: unknown = Object.getOwnPropertyDescriptor(value, field)?.value;
    return typeof found === 'string' ? found : undefined;
  } catch {
    return undefined;
  }
}
