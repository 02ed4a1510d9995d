import { createHash, createPublicKey, randomBytes, randomUUID, verify, type KeyObject } from 'node:crypto';
import type { PKCS11 } from 'pkcs11js';
import { describe, expect, it } from 'vitest';
import { CK } from '../../src/hsm/cryptoki.ts';
import { parseHsmKeyId, type HsmKeyId, type RsaPublicKey } from '../../src/hsm/index.ts';
import { onToken } from '../support/on-token.ts';
import { makeTestToken, openTestHsm, type TestToken } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function digestOf(message: string): Buffer {
  return createHash('sha512').update(message).digest();
}

function keyObject({ n, e }: RsaPublicKey): KeyObject {
  const part = (integer: Uint8Array) => Buffer.from(integer).toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n: part(n), e: part(e) }, format: 'jwk' });
}

describe('keys on the token', () => {
  it('signs what node:crypto verifies, the same bytes each time', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const id = parseHsmKeyId(randomUUID());
    const publicKey = await hsm.generateKey(id, 'test-key');
    expect(publicKey.n.length).toBe(512);
    expect(Buffer.from(publicKey.e).toString('hex')).toBe('010001');

    const signature = await hsm.sign(id, digestOf('a serial'));
    expect(verify('sha512', Buffer.from('a serial'), keyObject(publicKey), signature)).toBe(true);
    expect(await hsm.sign(id, digestOf('a serial'))).toEqual(signature);
  });

  it('signs many at once, in their order, and counts them by key', async () => {
    const inUse: HsmKeyId[] = [];
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()), {
      keysInUse: async () => inUse,
    });
    const [one, other] = [parseHsmKeyId('01'), parseHsmKeyId('02')];
    const [publicKey] = await Promise.all([hsm.generateKey(one, 'one'), hsm.generateKey(other, 'other')]);
    const messages = Array.from({ length: 40 }, (_, index) => `message ${index}`);

    const [signatures] = await Promise.all([
      hsm.signMany(one, messages.map(digestOf)),
      hsm.sign(other, digestOf('x')),
    ]);
    const checked = signatures.map((signature, index) => {
      return verify('sha512', Buffer.from(messages[index] ?? ''), keyObject(publicKey), signature);
    });
    expect(checked).toEqual(messages.map(() => true));
    inUse.push(one);
    expect(await hsm.probe()).toMatchObject({ key: one });
    expect([...hsm.status().signatures]).toEqual(
      expect.arrayContaining([
        [one, 40],
        [other, 1],
      ]),
    );
  });

  it('makes one key however often it is asked', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token);
    const id = parseHsmKeyId(randomUUID());
    const [first, second] = await Promise.all([hsm.generateKey(id, 'key'), hsm.generateKey(id, 'key')]);
    const again = await (await openTestHsm(token)).generateKey(id, 'key');
    expect([second, again]).toEqual([first, first]);
    expect(await hsm.listKeys()).toEqual([{ id, label: 'key', publicKey: first }]);
    expect(objectsOn(token, id)).toHaveLength(2);
  });

  it('makes one key when several processes ask at the same moment', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsms = [await openTestHsm(token), await openTestHsm(token), await openTestHsm(token)];
    const id = parseHsmKeyId(randomUUID());
    const keys = await Promise.all(hsms.map((hsm) => hsm.generateKey(id, 'key')));
    expect(new Set(keys.map(({ n }) => Buffer.from(n).toString('hex'))).size).toBe(1);
    expect(objectsOn(token, id)).toHaveLength(2);
  });

  it('replaces the public half that a crash in the middle of a generation left alone', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const id = parseHsmKeyId(randomUUID());
    onToken(token, (lib, session) => {
      lib.C_CreateObject(session, [
        { type: CK.CKA_CLASS, value: CK.CKO_PUBLIC_KEY },
        { type: CK.CKA_KEY_TYPE, value: CK.CKK_RSA },
        { type: CK.CKA_TOKEN, value: true },
        { type: CK.CKA_ID, value: Buffer.from(id, 'hex') },
        { type: CK.CKA_MODULUS, value: randomBytes(512) },
        { type: CK.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
      ]);
    });
    const hsm = await openTestHsm(token);
    expect(await hsm.findKey(id)).toBeUndefined();
    const made = await hsm.generateKey(id, 'key');
    expect(await hsm.findKey(id)).toEqual(made);
    expect(objectsOn(token, id)).toHaveLength(2);
  });

  it('keeps the private half inside', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token);
    const id = parseHsmKeyId(randomUUID());
    await hsm.generateKey(id, 'key');
    onToken(token, (lib, session) => {
      const key = find(lib, session, CK.CKO_PRIVATE_KEY, id)[0];
      if (!key) throw new Error('no private key');
      const flag = (type: number) => lib.C_GetAttributeValue(session, key, [{ type }])[0]?.value[0];
      expect([CK.CKA_SENSITIVE, CK.CKA_TOKEN, CK.CKA_PRIVATE, CK.CKA_SIGN].map(flag)).toEqual([1, 1, 1, 1]);
      expect([CK.CKA_EXTRACTABLE, CK.CKA_DECRYPT, CK.CKA_UNWRAP].map(flag)).toEqual([0, 0, 0]);
      const privateExponent = 0x123;
      expect(() => lib.C_GetAttributeValue(session, key, [{ type: privateExponent }])).toThrow(/SENSITIVE/);
      expect(() =>
        lib.C_SetAttributeValue(session, key, [{ type: CK.CKA_EXTRACTABLE, value: true }]),
      ).toThrow(/READ_ONLY/);
    });
  });

  it('deletes a key, and deleting it again is no error', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const id = parseHsmKeyId(randomUUID());
    await hsm.generateKey(id, 'key');
    await hsm.sign(id, digestOf('x'));
    await hsm.deleteKey(id);
    await hsm.deleteKey(id);
    expect(await hsm.findKey(id)).toBeUndefined();
    await expect(hsm.sign(id, digestOf('x'))).rejects.toMatchObject({ code: 'hsm-key-not-found' });
  });

  it('signs with the new key after another process replaced the old one', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const [hsm, other] = [await openTestHsm(token), await openTestHsm(token)];
    const id = parseHsmKeyId(randomUUID());
    await hsm.generateKey(id, 'key');
    await hsm.sign(id, digestOf('x'));
    await other.deleteKey(id);
    const replaced = await other.generateKey(id, 'key');
    const signature = await hsm.sign(id, digestOf('x'));
    expect(verify('sha512', Buffer.from('x'), keyObject(replaced), signature)).toBe(true);
  });

  it('refuses to choose between two private keys with one id', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const id = parseHsmKeyId(randomUUID());
    onToken(token, (lib, session) => {
      for (let count = 0; count < 2; count++) {
        const rsa = [
          { type: CK.CKA_TOKEN, value: true },
          { type: CK.CKA_ID, value: Buffer.from(id, 'hex') },
        ];
        const bits = [
          { type: CK.CKA_MODULUS_BITS, value: 2048 },
          { type: CK.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ];
        lib.C_GenerateKeyPair(session, { mechanism: CK.CKM_RSA_PKCS_KEY_PAIR_GEN }, [...rsa, ...bits], rsa);
      }
    });
    const hsm = await openTestHsm(token);
    for (const attempt of [
      () => hsm.findKey(id),
      () => hsm.sign(id, digestOf('x')),
      () => hsm.generateKey(id, 'key'),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ kind: 'conflict', code: 'hsm-key-ambiguous' });
    }
  });

  it('says clearly what it cannot sign', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const id = parseHsmKeyId('00ff');
    await expect(hsm.sign(id, digestOf('x'))).rejects.toMatchObject({
      kind: 'not-found',
      code: 'hsm-key-not-found',
    });
    await expect(hsm.sign(id, randomBytes(32))).rejects.toMatchObject({
      kind: 'invalid',
      code: 'hsm-input-invalid',
    });
    for (const text of ['', '0', 'xyz', '00'.repeat(65)]) expect(() => parseHsmKeyId(text)).toThrow(/hex/);
    expect(parseHsmKeyId('6BA7B810-9DAD-11D1-80B4-00C04FD430C8')).toBe('6ba7b8109dad11d180b400c04fd430c8');
  });
});

function find(lib: PKCS11, session: Buffer, objectClass: number | undefined, id: string): Buffer[] {
  const ofClass = objectClass === undefined ? [] : [{ type: CK.CKA_CLASS, value: objectClass }];
  lib.C_FindObjectsInit(session, [...ofClass, { type: CK.CKA_ID, value: Buffer.from(id, 'hex') }]);
  const found = lib.C_FindObjects(session, 100);
  lib.C_FindObjectsFinal(session);
  return found;
}

function objectsOn(token: TestToken, id: string): Buffer[] {
  return onToken(token, (lib, session) => find(lib, session, undefined, id));
}
