import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  addCaveat,
  decodeMacaroon,
  encodeMacaroon,
  mintMacaroon,
  verifyMacaroon,
} from '../../src/publishers/index.ts';

const key = Buffer.from('this is our super secret key; only we should know it');
const bank = { rootKey: key, identifier: 'we used our secret key', location: 'http://mybank/' };
const printable = fc.string({ unit: 'grapheme', maxLength: 60 });
const tokens = fc.record({
  rootKey: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  identifier: printable,
  location: printable,
  caveats: fc.array(printable, { maxLength: 8 }),
});

describe('the V1 form', () => {
  // The example that every macaroon library publishes in its own documentation.
  test('is the one that other libraries write', () => {
    expect(mintMacaroon({ ...bank, caveats: [] })).toBe(
      'MDAxY2xvY2F0aW9uIGh0dHA6Ly9teWJhbmsvCjAwMjZpZGVudGlmaWVyIHdlIHVzZWQgb3VyIHNlY3JldCBrZXkKMDAyZnNpZ25hdHVyZSDj2eApCFJsTAA5rhURQRXZf91ovyujebNCqvD2F9BVLwo',
    );
    expect(mintMacaroon({ ...bank, caveats: ['test = caveat'] })).toBe(
      'MDAxY2xvY2F0aW9uIGh0dHA6Ly9teWJhbmsvCjAwMjZpZGVudGlmaWVyIHdlIHVzZWQgb3VyIHNlY3JldCBrZXkKMDAxNmNpZCB0ZXN0ID0gY2F2ZWF0CjAwMmZzaWduYXR1cmUgGXusegRK8zMyhluSZuJtSTvdZopmDkTYjOGpmMI9vWcK',
    );
  });

  test('survives being read and written again', () => {
    fc.assert(
      fc.property(tokens, (parts) => {
        const text = mintMacaroon(parts);
        expect(encodeMacaroon(decodeMacaroon(text))).toBe(text);
      }),
    );
  });

  test('keeps third-party caveats in their place', () => {
    const macaroon = decodeMacaroon(mintMacaroon({ ...bank, caveats: ['a = b'] }));
    const caveat = {
      id: Buffer.from('who'),
      verification: Buffer.alloc(72, 7),
      location: 'login.example:8444',
    };
    const read = decodeMacaroon(encodeMacaroon({ ...macaroon, caveats: [...macaroon.caveats, caveat] }));
    expect(read.caveats[1]?.location).toBe('login.example:8444');
    expect(read.caveats[1]?.verification).toEqual(new Uint8Array(72).fill(7));
  });

  test.each([
    ['nothing', ''],
    ['no base64url', 'a b+c/d'],
    ['a length that is no number', Buffer.from('zzzzlocation x\n').toString('base64url')],
    ['an upper-case length', Buffer.from('000Flocation x\n').toString('base64url')],
    ['a field that is cut short', Buffer.from('0020location x\n').toString('base64url')],
    ['a length below its own digits', Buffer.from('0003location x\n').toString('base64url')],
    [
      'a signature of 31 bytes',
      Buffer.from(`000flocation x\n0011identifier x\n002esignature ${'s'.repeat(31)}\n`).toString(
        'base64url',
      ),
    ],
    ['no identifier', Buffer.from(`000flocation x\n002fsignature ${'s'.repeat(32)}\n`).toString('base64url')],
    [
      'a verification with no caveat',
      Buffer.from(`000flocation x\n0011identifier x\n000avid x\n002fsignature ${'s'.repeat(32)}\n`).toString(
        'base64url',
      ),
    ],
    ['far too much', Buffer.alloc(40_000, 'a').toString('base64url')],
  ])('refuses %s', (_what, text) => {
    expect(() => decodeMacaroon(text)).toThrow(/^cannot read the macaroon: /);
  });

  test('never fails in an unexpected way on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeMacaroon(Buffer.from(bytes).toString('base64url'));
        } catch (error) {
          expect(error).toMatchObject({ code: 'macaroon-malformed' });
        }
      }),
    );
  });
});

describe('verification', () => {
  test('accepts what was minted and narrowed, and hands over each caveat in order', () => {
    fc.assert(
      fc.property(tokens, fc.array(printable, { maxLength: 4 }), (parts, added) => {
        const text = added.reduce(addCaveat, mintMacaroon(parts));
        const seen: string[] = [];
        const verified = verifyMacaroon(text, parts.rootKey, (caveat) => seen.push(caveat));
        expect(verified).toEqual({ identifier: parts.identifier, caveats: [...parts.caveats, ...added] });
        expect(seen).toEqual([...parts.caveats, ...added]);
      }),
    );
  });

  test('refuses another root key', () => {
    const text = mintMacaroon({ ...bank, caveats: [] });
    expect(() => verifyMacaroon(text, Buffer.from('another'))).toThrow('its signature does not match');
  });

  test('refuses a macaroon from which any caveat was taken, or in which any byte of one was changed', () => {
    const caveats = fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(caveats, fc.nat(), fc.integer({ min: 1, max: 255 }), (texts, pick, flip) => {
        const macaroon = decodeMacaroon(mintMacaroon({ ...bank, caveats: texts }));
        const index = pick % texts.length;
        const without = macaroon.caveats.filter((_, at) => at !== index);
        const changed = macaroon.caveats.map((caveat, at) => {
          const id = Uint8Array.from(caveat.id);
          if (at === index) id[0] = (id[0] ?? 0) ^ flip;
          return { ...caveat, id };
        });
        for (const forged of [without, changed]) {
          expect(() => verifyMacaroon(encodeMacaroon({ ...macaroon, caveats: forged }), key)).toThrow();
        }
      }),
    );
  });

  test('ignores the location, which is not signed', () => {
    const macaroon = decodeMacaroon(mintMacaroon({ ...bank, caveats: [] }));
    expect(verifyMacaroon(encodeMacaroon({ ...macaroon, location: 'elsewhere' }), key).identifier).toBe(
      bank.identifier,
    );
  });

  test('lets the check refuse', () => {
    const text = mintMacaroon({ ...bank, caveats: ['time < 2000'] });
    const refuse = () => {
      throw new Error('too late');
    };
    expect(() => verifyMacaroon(text, key, refuse)).toThrow('too late');
  });
});
