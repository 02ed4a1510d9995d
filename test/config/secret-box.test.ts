import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretBox, masterKey } from '../../src/config/secret-box.ts';

const first = masterKey(Buffer.alloc(32, 1));
const second = masterKey(Buffer.alloc(32, 2));

describe('sealed secrets', () => {
  it('open under their own name only', () => {
    const box = new SecretBox([first]);
    const sealed = box.seal('proxy.hsm.token-pin', '74656');
    expect(box.open('proxy.hsm.token-pin', sealed)).toBe('74656');
    expect(() => box.open('proxy.auth.secret', sealed)).toThrow(/belongs to another name/);
  });

  it('open to what was sealed, whatever it is', () => {
    const box = new SecretBox([first]);
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (name, secret) => {
        expect(box.open(name, box.seal(name, secret))).toBe(secret);
      }),
    );
  });

  it('show neither the secret nor that two are the same', () => {
    const box = new SecretBox([first]);
    const sealed = box.seal('pin', 'a-secret-of-ours');
    expect(sealed).not.toContain('a-secret-of-ours');
    expect(Buffer.from(sealed.split(':')[3] ?? '', 'base64url').includes('a-secret-of-ours')).toBe(false);
    expect(box.seal('pin', 'a-secret-of-ours')).not.toBe(sealed);
  });

  it('do not open when any character of them was changed', () => {
    const box = new SecretBox([first, second]);
    const sealed = box.seal('pin', '74656');
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.constantFrom(...'aZ0-_:~'), (at, character) => {
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
        fc.pre(changed !== sealed && decoded(changed) !== decoded(sealed));
        expect(() => box.open('pin', changed)).toThrow(/^cannot open the secret "pin"/);
      }),
    );
  });

  it('cannot be relabelled as made with another key of the ring', () => {
    const box = new SecretBox([first, second]);
    const relabelled = box.seal('pin', '74656').replace(first.id, second.id);
    expect(() => box.open('pin', relabelled)).toThrow(/was changed/);
  });

  it.each(['', '74656', 'airlock-sealed:v2:0011:AAAA', 'airlock-sealed:v1:0011:AAAA', 'airlock-sealed:v1'])(
    'are told from other text: %j',
    (text) => {
      expect(() => new SecretBox([first]).open('pin', text)).toThrow(
        expect.objectContaining({ code: 'secret-form-unknown' }),
      );
    },
  );

  it('stay readable after a rotation, until they are resealed', () => {
    const box = new SecretBox([first]);
    const old = box.seal('pin', '74656');
    box.rotate(second);
    expect(box.keyIds).toEqual([second.id, first.id]);
    expect(box.open('pin', old)).toBe('74656');
    expect(box.isStale(old)).toBe(true);

    const fresh = box.reseal('pin', old);
    expect(box.isStale(fresh)).toBe(false);
    expect(box.reseal('pin', fresh)).toBe(fresh);
    const withoutOld = new SecretBox([second]);
    expect(withoutOld.open('pin', fresh)).toBe('74656');
    expect(() => withoutOld.open('pin', old)).toThrow(
      expect.objectContaining({ code: 'secret-key-unknown' }),
    );
  });

  it('need a key, and one of 32 bytes', () => {
    expect(() => new SecretBox([])).toThrow(/no master key/);
    expect(() => masterKey(randomBytes(31))).toThrow(/31 bytes/);
  });
});

describe('keys for one purpose', () => {
  it('differ by purpose and by master key, and are the same each time', () => {
    const box = new SecretBox([second, first]);
    const payloads = box.deriveKeys('payloads');
    expect(payloads.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(payloads.every(({ key }) => key.length === 32)).toBe(true);
    expect(box.deriveKeys('payloads')).toEqual(payloads);
    const all = [...payloads, ...box.deriveKeys('cookies')].map(({ key }) =>
      Buffer.from(key).toString('hex'),
    );
    expect(new Set(all).size).toBe(4);
  });
});

/** Base64url has spellings that decode to the same bytes; a change among these is no change. */
function decoded(sealed: string): string {
  const at = sealed.lastIndexOf(':');
  return sealed.slice(0, at + 1) + Buffer.from(sealed.slice(at + 1), 'base64url').toString('hex');
}
