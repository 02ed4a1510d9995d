import { constants, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  addCaveat,
  addThirdPartyCaveat,
  bindDischarge,
  decodeMacaroon,
  encodeMacaroon,
  mintMacaroon,
  readDischarge,
  ssoCaveatId,
  verifyDischarged,
  verifyMacaroon,
} from '../../src/publishers/index.ts';
import { chainFrom, derivedKey } from '../../src/publishers/macaroons.ts';

const rootKey = new Uint8Array(randomBytes(32));
const key = new Uint8Array(randomBytes(32));
const NOW = new Date('2026-03-04T05:06:07Z');

/** A root with a caveat of its own and one for a third party. */
function rootMacaroon(): string {
  const root = mintMacaroon({ rootKey, identifier: 'id', location: 'store', caveats: ['own'] });
  return addThirdPartyCaveat(root, { location: 'sso', identifier: 'for sso', key }, randomBytes(12));
}

/** What the third party gives: signed with the key that only it could read. */
function discharge(caveats: readonly string[], by: Uint8Array = key): string {
  const raw = caveats.map((caveat) => ({ id: new TextEncoder().encode(caveat) }));
  const signature = chainFrom(derivedKey(by), 'for sso', raw);
  return encodeMacaroon({ location: 'sso', identifier: 'for sso', caveats: raw, signature });
}

describe('a macaroon with a third-party caveat', () => {
  test('holds with the discharge that is bound to it', () => {
    const root = rootMacaroon();
    const bound = bindDischarge(root, discharge(['seen']));
    expect(verifyDischarged(root, bound, rootKey)).toEqual({
      identifier: 'id',
      caveats: ['own'],
      dischargeCaveats: ['seen'],
    });
    const narrowed = addCaveat(root, 'less');
    expect(verifyDischarged(narrowed, bindDischarge(narrowed, discharge([])), rootKey).caveats).toEqual([
      'own',
      'less',
    ]);
  });

  test('holds with no other, and not alone', () => {
    const root = rootMacaroon();
    const other = rootMacaroon();
    const bound = bindDischarge(root, discharge([]));
    for (const [name, one, its, by] of [
      ['unbound', root, discharge([]), rootKey],
      ['bound to another', other, bound, rootKey],
      ['narrowed after it was bound', addCaveat(root, 'x'), bound, rootKey],
      ['by another key', root, bindDischarge(root, discharge([], randomBytes(32))), rootKey],
      ['under another root key', root, bound, new Uint8Array(32)],
      ['itself as its discharge', root, root, rootKey],
    ] as const)
      expect(() => verifyDischarged(one, its, by), name).toThrow(/^cannot accept the macaroon/);
    expect(() => verifyMacaroon(root, rootKey)).toThrow('third-party');
    const plain = decodeMacaroon(root);
    const without = encodeMacaroon({ ...plain, caveats: plain.caveats.slice(0, 1) });
    expect(() => verifyDischarged(without, bound, rootKey)).toThrow(/^cannot accept/);
  });
});

describe('a discharge of a single-sign-on server', () => {
  const account = (said: object) => `sso|account|${Buffer.from(JSON.stringify(said)).toString('base64')}`;
  const ada = account({ email: 'ada@example.com', is_verified: true });

  test('says whom it saw, until it expires', () => {
    const times = ['sso|valid_since|2026-03-04T05:06:00.123456', 'sso|last_auth|2026-03-04T05:06:00'];
    expect(readDischarge([ada, ...times, 'sso|expires|2026-03-04T05:06:08'], 'sso', NOW)).toEqual({
      email: 'ada@example.com',
      isVerified: true,
    });
    expect(() => readDischarge([ada, 'sso|expires|2026-03-04T05:06:07'], 'sso', NOW)).toThrow('refresh it');
  });

  test.each([
    ['nobody', []],
    ['two', [ada, ada]],
    ['no JSON', ['sso|account|bm90IGpzb24=']],
    ['no address', [account({ username: 'ada' })]],
    ['another place', [ada.replace('sso', 'elsewhere')]],
    ['an unknown limit', [ada, 'sso|moon_phase|full']],
    ['a time that is none', [ada, 'sso|expires|soon']],
  ])('that names %s is refused', (_, caveats) => {
    expect(() => readDischarge(caveats, 'sso', NOW)).toThrow(/^cannot accept/);
  });

  test('is asked for by a caveat whose key the server alone can read', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const id: unknown = JSON.parse(
      ssoCaveatId(publicKey.export({ type: 'spki', format: 'pem' }).toString(), key),
    );
    expect(id).toEqual({ secret: expect.any(String), version: 1 });
    const secret = typeof id === 'object' && id !== null && 'secret' in id ? String(id.secret) : '';
    const options = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING };
    expect(new Uint8Array(privateDecrypt(options, Buffer.from(secret, 'base64')))).toEqual(key);
    expect(() => ssoCaveatId('key', key)).toThrow(/^cannot use the key/);
  });
});
