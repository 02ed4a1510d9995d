import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkRequestIdInTime,
  DeviceError,
  mintRequestId,
  readRequestId,
  REQUEST_ID_RANDOM_BYTES,
} from '../../src/devices/index.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const secret = bytes(32).map((key) => createSecretKey(key));
const random = bytes(REQUEST_ID_RANDOM_BYTES);
const expiresAt = fc.integer({ min: 0, max: 2 ** 31 }).map((seconds) => new Date(seconds * 1000));

function codeOf(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    return error instanceof DeviceError ? error.code : String(error);
  }
}

describe('a request-id', () => {
  it('is read by the secret that made it, also when that was replaced meanwhile', () => {
    fc.assert(
      fc.property(secret, secret, random, expiresAt, (present, earlier, unguessable, at) => {
        const text = mintRequestId({ secret: earlier, random: unguessable, expiresAt: at });
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(readRequestId(text, [present, earlier])).toEqual({ text, expiresAt: at });
      }),
    );
  });

  it('is unknown when any character is changed, added or taken away', () => {
    fc.assert(
      fc.property(
        secret,
        random,
        fc.nat(),
        fc.constantFrom('A', 'z', '-', '=', '\n'),
        (key, unguessable, place, char) => {
          const text = mintRequestId({ secret: key, random: unguessable, expiresAt: new Date(1e12) });
          const at = place % text.length;
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          if (changed !== text)
            expect(codeOf(() => readRequestId(changed, [key]))).toBe('request-id-unknown');
          expect(codeOf(() => readRequestId(text + char, [key]))).toBe('request-id-unknown');
          expect(codeOf(() => readRequestId(text.slice(0, at), [key]))).toBe('request-id-unknown');
        },
      ),
    );
  });

  it('has one spelling only, for it is spent by its text', () => {
    const key = createSecretKey(new Uint8Array(32));
    const text = mintRequestId({ secret: key, random: new Uint8Array(16), expiresAt: new Date(1e12) });
    expect(codeOf(() => readRequestId(`${text}=`, [key]))).toBe('request-id-unknown');
    expect(codeOf(() => readRequestId(` ${text}`, [key]))).toBe('request-id-unknown');
  });

  it('is good before its end and not from then on', () => {
    const requestId = { text: '', expiresAt: new Date(1000) };
    expect(codeOf(() => checkRequestIdInTime(requestId, new Date(999)))).toBe('');
    expect(codeOf(() => checkRequestIdInTime(requestId, new Date(1000)))).toBe('request-id-expired');
  });
});
