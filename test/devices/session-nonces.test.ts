import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mintNonce, NONCE_RANDOM_BYTES, readNonce } from '../../src/devices/session-nonces.ts';

const secret = Buffer.alloc(32, 1);
const expiresAt = new Date('2026-06-01T00:05:00Z');
const before = new Date('2026-06-01T00:04:59Z');
const nonce = mintNonce({ secret, random: randomBytes(NONCE_RANDOM_BYTES), expiresAt });

describe('a nonce for a session', () => {
  it('is known again until it expires, by the secret that made it or its successor', () => {
    expect(readNonce(nonce, [secret], before)).toEqual({ text: nonce, expiresAt });
    expect(readNonce(nonce, [Buffer.alloc(32, 2), secret], before)).toEqual({ text: nonce, expiresAt });
    expect(() => readNonce(nonce, [secret], expiresAt)).toThrow(
      expect.objectContaining({ code: 'nonce-expired' }),
    );
  });

  it('is safe in a header line of an assertion', () => {
    expect(nonce).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it('cannot be made up, changed or spelled otherwise', () => {
    const others = fc.oneof(
      fc.string(),
      fc
        .nat(nonce.length - 1)
        .map((at) => nonce.slice(0, at) + (nonce[at] === 'A' ? 'B' : 'A') + nonce.slice(at + 1)),
      fc.constantFrom('=', '==', '\n', ' ', 'A').map((tail) => nonce + tail),
      fc
        .uint8Array({ minLength: 36, maxLength: 36 })
        .map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(others, (text) => {
        fc.pre(text !== nonce);
        expect(() => readNonce(text, [secret], before)).toThrow(
          expect.objectContaining({ code: 'nonce-unknown' }),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('needs all its randomness', () => {
    expect(() => mintNonce({ secret, random: randomBytes(8), expiresAt })).toThrow(RangeError);
  });
});
