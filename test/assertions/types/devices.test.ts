import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestToBase64Url, sha3Of, type Signer } from '../../../src/assertions/index.ts';
import { testSigner } from '../../support/assertion-world.ts';
import { draftsOf, TIMESTAMP, type DraftHeaders } from '../draft-text.ts';

describe('what speaks of devices', () => {
  let key: Signer;
  let serial: ReturnType<typeof draftsOf>;
  let serialRequest: ReturnType<typeof draftsOf>;

  beforeAll(async () => {
    key = await testSigner();
    const { keyId, encoded } = key.publicKey;
    serial = draftsOf('serial', {
      'authority-id': 'acme',
      'brand-id': 'acme',
      model: 'pi-4',
      serial: 'SN-1',
      'device-key': encoded,
      'device-key-sha3-384': keyId,
      timestamp: TIMESTAMP,
    });
    serialRequest = draftsOf('serial-request', {
      'brand-id': 'acme',
      model: 'pi-4',
      'request-id': 'REQ',
      'device-key': encoded,
      'sign-key-sha3-384': keyId,
    });
  });

  it('a serial is named by brand, model and serial, may be signed by another account, and may have a body', () => {
    expect(serial({ 'authority-id': 'partner' }, 'any: text').primaryKey).toEqual(['acme', 'pi-4', 'SN-1']);
  });

  it.each<[string, DraftHeaders, RegExp]>([
    ['a brand that is no account id', { 'brand-id': 'A Brand' }, /"brand-id"/],
    ['a model in capitals', { model: 'Pi' }, /lower case/],
    ['a model with an underscore', { model: 'pi_4' }, /not allowed/],
    ['no device key', { 'device-key': undefined }, /"device-key" header is missing/],
    ['a device key that is none', { 'device-key': 'x' }, /public key/],
    ['the id of another key', { 'device-key-sha3-384': 'x' }, /not the id of the key/],
    ['no timestamp', { timestamp: undefined }, /"timestamp"/],
    ['a slash in the serial', { serial: 'a/b' }, /must not contain/],
    ['an empty serial', { serial: '' }, /"serial" header is empty/],
  ])('a serial with %s is refused', (_, changes, words) => {
    expect(() => serial(changes)).toThrow(words);
  });

  it('a serial-request is signed with the key that it carries, and may propose a serial', () => {
    expect(serialRequest({ serial: 'SN-1' }).primaryKey).toEqual([]);
    expect(serialRequest({ serial: '' }).type).toBe('serial-request');
    expect(() => serialRequest({ 'sign-key-sha3-384': Buffer.alloc(48).toString('base64url') })).toThrow(
      /not the key that signed/,
    );
    expect(() => serialRequest({ 'request-id': '' })).toThrow(/"request-id"/);
    expect(() => serialRequest({ serial: ['x'] })).toThrow(/must be a text/);
  });

  it('a device-session-request has a nonce and a time', () => {
    const request = draftsOf('device-session-request', {
      'brand-id': 'acme',
      model: 'pi-4',
      serial: 'SN-1',
      nonce: 'N',
      timestamp: TIMESTAMP,
    });
    expect(request().authorityId).toBeUndefined();
    for (const header of ['nonce', 'timestamp', 'model', 'serial']) {
      expect(() => request({ [header]: undefined })).toThrow(`"${header}" header is missing`);
    }
  });

  it('a hardware-identity holds a key of any kind, under its digest, signed by its issuer', () => {
    for (const { publicKey } of [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ]) {
      const pem = publicKey
        .export({ format: 'pem', type: 'spki' })
        .toString()
        .split('\n')
        .slice(1, -2)
        .join('\n');
      const identity = draftsOf('hardware-identity', {
        'authority-id': 'acme',
        'issuer-id': 'acme',
        manufacturer: 'Acme',
        'hardware-name': 'board',
        'hardware-id': '1',
        'hardware-id-key': pem,
        'hardware-id-key-sha3-384': digestToBase64Url(sha3Of(Buffer.from(pem))),
      });
      expect(identity().primaryKey[0]).toBe('acme');
      expect(() => identity({ 'authority-id': 'other' })).toThrow(/must equal "authority-id"/);
      expect(() => identity({ 'hardware-id-key': 'AAAA' })).toThrow(/PEM/);
      expect(() => identity({ 'hardware-id-key-sha3-384': 'x' })).toThrow(/not the digest/);
      expect(() => identity({ 'hardware-name': 'a board' })).toThrow(/"hardware-name"/);
    }
  });
});
