import { beforeAll, describe, expect, it } from 'vitest';
import {
  decodeAssertion,
  deviceKeyOf,
  sourceOf,
  verifyChain,
  verifySelfSigned,
  verifySessionRequest,
  type Assertion,
  type AssertionDraft,
  type HeaderValue,
  type Signer,
} from '../../../src/assertions/index.ts';
import { BRAND, MADE, makeWorld, signed, type AssertionWorld } from '../../support/assertion-world.ts';

describe('what a key says of itself', () => {
  let world: AssertionWorld;
  let device: Signer;
  let serial: Assertion;

  beforeAll(async () => {
    world = await makeWorld();
    ({ device } = world);
    const { keyId, encoded } = device.publicKey;
    const headers = {
      'authority-id': BRAND,
      'brand-id': BRAND,
      model: 'pi',
      serial: 'SN-1',
      timestamp: MADE,
    };
    serial = await signed(
      { type: 'serial', headers: { ...headers, 'device-key': encoded, 'device-key-sha3-384': keyId } },
      world.brand,
    );
  });

  function keyRequest(extra: { [name: string]: HeaderValue } = {}): AssertionDraft {
    const headers = {
      'account-id': BRAND,
      name: 'new',
      'public-key-sha3-384': device.publicKey.keyId,
      since: MADE,
    };
    return { type: 'account-key-request', headers: { ...headers, ...extra }, body: device.publicKey.encoded };
  }

  function serialRequest(): AssertionDraft {
    const headers = {
      'brand-id': BRAND,
      model: 'pi',
      'request-id': 'R',
      'device-key': device.publicKey.encoded,
    };
    return { type: 'serial-request', headers };
  }

  function sessionRequest(extra: { [name: string]: HeaderValue } = {}): AssertionDraft {
    const headers = { 'brand-id': BRAND, model: 'pi', serial: 'SN-1', nonce: 'N', timestamp: MADE };
    return { type: 'device-session-request', headers: { ...headers, ...extra } };
  }

  it('a serial-request is signed with the device key that it carries', async () => {
    const request = await signed(serialRequest(), device);
    expect(() => verifySelfSigned(request)).not.toThrow();
    const changed = decodeAssertion(
      Buffer.from(request.bytes).toString().replace('request-id: R', 'request-id: S'),
    );
    expect(() => verifySelfSigned(changed)).toThrow(expect.objectContaining({ code: 'signature-invalid' }));
    await expect(signed(serialRequest(), world.other)).rejects.toThrow(/not the key that signed/);
  });

  it('an account-key-request is signed with the key in its body, and speaks of a known account', async () => {
    const options = { source: sourceOf(world.known), trusted: sourceOf(world.roots), now: new Date(MADE) };
    const request = await signed(keyRequest(), device);
    await expect(verifyChain(request, options)).resolves.toBeUndefined();
    const byAnother = await signed(keyRequest(), world.other);
    await expect(verifyChain(byAnother, options)).rejects.toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    );
    const ofNobody = await signed(keyRequest({ 'account-id': 'nobody' }), device);
    await expect(verifyChain(ofNobody, options)).rejects.toThrow(
      expect.objectContaining({ code: 'prerequisite-missing' }),
    );
  });

  it('a device-session-request is signed with the device key of a serial of the same device', async () => {
    expect(deviceKeyOf(serial).keyId).toBe(device.publicKey.keyId);
    const request = await signed(sessionRequest(), device);
    expect(() => verifySessionRequest(request, serial)).not.toThrow();
    const byAnother = await signed(sessionRequest(), world.other);
    expect(() => verifySessionRequest(byAnother, serial)).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    );
    for (const extra of [{ serial: 'SN-2' }, { model: 'po' }, { 'brand-id': 'other' }]) {
      const ofAnother = await signed(sessionRequest(extra), device);
      expect(() => verifySessionRequest(ofAnother, serial)).toThrow(
        expect.objectContaining({ code: 'assertion-inconsistent' }),
      );
    }
    const changed = decodeAssertion(Buffer.from(request.bytes).toString().replace('nonce: N', 'nonce: M'));
    expect(() => verifySessionRequest(changed, serial)).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }),
    );
  });

  it('other types carry no key of their own', async () => {
    expect(() => verifySelfSigned(serial)).toThrow(expect.objectContaining({ code: 'not-trusted' }));
    const request = await signed(sessionRequest(), device);
    const options = { source: sourceOf([serial]), trusted: sourceOf(world.roots), now: new Date(MADE) };
    await expect(verifyChain(request, options)).rejects.toThrow(
      expect.objectContaining({ code: 'not-trusted' }),
    );
  });
});
