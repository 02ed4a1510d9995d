import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Assertion,
  formatTimestamp,
  type HeaderValue,
  signAssertion,
} from '../../src/assertions/index.ts';
import { checkSessionRequest } from '../../src/devices/sessions.ts';
import { type BrandChain, makeBrandChain, newSigner } from '../support/brand-chain.ts';

const at = new Date('2025-01-01T00:00:00Z');
const device = newSigner();
const serials = newSigner();
let chain: BrandChain;
let model: Assertion;

beforeAll(async () => {
  chain = await makeBrandChain('acme');
  model = await chain.model('router', { store: 'acme-store', 'serial-authority': ['partner'] });
});

const serial = (authority: string, change: Record<string, HeaderValue> = {}) =>
  signAssertion(
    {
      type: 'serial',
      headers: {
        'authority-id': authority,
        'brand-id': 'acme',
        model: 'router',
        serial: 'r-1',
        'device-key': device.publicKey.encoded,
        'device-key-sha3-384': device.publicKey.keyId,
        timestamp: formatTimestamp(at),
        ...change,
      },
    },
    serials,
    at,
  );
const request = (change: Record<string, HeaderValue> = {}, signer = device) =>
  signAssertion(
    {
      type: 'device-session-request',
      headers: {
        'brand-id': 'acme',
        model: 'router',
        serial: 'r-1',
        nonce: 'n',
        timestamp: formatTimestamp(at),
        ...change,
      },
    },
    signer,
    at,
  );

describe('a session request', () => {
  it('proves which device asks', async () => {
    expect(checkSessionRequest({ request: await request(), serial: await serial('acme'), model })).toEqual({
      brandId: 'acme',
      model: 'router',
      serial: 'r-1',
      deviceKeyId: device.publicKey.keyId,
      modelStore: 'acme-store',
      nonce: 'n',
    });
  });

  it('may bring a serial of an authority that the model names, and of no other', async () => {
    expect(
      checkSessionRequest({ request: await request(), serial: await serial('partner'), model }),
    ).toMatchObject({ serial: 'r-1' });
    const foreign = await serial('stranger');
    await expect(async () =>
      checkSessionRequest({ request: await request(), serial: foreign, model }),
    ).rejects.toMatchObject({
      code: 'serial-authority-not-allowed',
    });
  });

  it.each([
    ['another serial', { serial: 'r-2' }],
    ['another model', { model: 'switch' }],
    ['another brand', { 'brand-id': 'globex' }],
  ])('must speak of one device: %s', async (_, change) => {
    const asked = await request(change);
    const held = await serial('acme');
    expect(() => checkSessionRequest({ request: asked, serial: held, model })).toThrow(
      expect.objectContaining({ code: 'session-request-mismatch' }),
    );
  });

  it('must be signed with the key in the serial', async () => {
    const asked = await request({}, newSigner());
    const held = await serial('acme');
    expect(() => checkSessionRequest({ request: asked, serial: held, model })).toThrow(
      expect.objectContaining({ code: 'session-request-signature', kind: 'invalid' }),
    );
  });

  it('must consist of the three types', async () => {
    const held = await serial('acme');
    expect(() => checkSessionRequest({ request: held, serial: held, model })).toThrow(
      expect.objectContaining({ code: 'session-request-unreadable' }),
    );
  });
});
