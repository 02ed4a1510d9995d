/** Signing keys on more than one HSM token, by the admin of the brand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAssertion, publicKeyOf, verifySelfSigned } from '../../../src/assertions/index.ts';
import { openHsm, type Hsm } from '../../../src/hsm/index.ts';
import { openGateway, type TestGateway } from '../../support/admin-gateway.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';
import { makeTestToken } from '../../support/softhsm-token.ts';

let folder: string;
let card: Hsm;
let rig: TestModelService;
let gateway: TestGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-key-tokens-'));
  const token = await makeTestToken(folder);
  card = await openHsm({
    module: { path: token.modulePath, env: token.env },
    tokenLabel: token.label,
    pin: async () => token.pin,
    probeEvery: 0,
  });
  rig = await openModelService({ folder, otherTokens: { card } });
  gateway = await openGateway(rig);
});

afterAll(async () => {
  await gateway.close();
  await rig.close();
  await card.close();
  await rm(folder, { recursive: true, force: true });
});

const keys = () => gateway.brand('/signing_key');
const idsOn = async (hsm: Hsm) => (await hsm.listKeys()).map(({ label }) => label);

describe('a signing key', () => {
  it('is made on the token that is named, or on the default one', async () => {
    const onCard = await gateway.call('POST', keys(), { name: 'careful', token: 'card' });
    expect([onCard.status, onCard.json.token]).toEqual([201, 'card']);
    const usual = await gateway.call('POST', keys(), { name: 'usual' });
    expect([usual.status, usual.json.token]).toEqual([201, 'default']);
    expect([await idsOn(card), await idsOn(rig.hsm)]).toEqual([['careful'], ['usual']]);
  });

  it('is not made on a token that the store does not have', async () => {
    const refused = await gateway.call('POST', keys(), { name: 'lost', token: 'safe' });
    expect([refused.status, refused.json['error-list'][0]]).toEqual([
      404,
      {
        code: 'hsm-token-missing',
        message: "cannot use the HSM token 'safe': there is none of that name; there is default, card",
      },
    ]);
    expect((await gateway.call('GET', keys())).json).toHaveLength(2);
  });

  it('signs the request for its registration on its own token, and goes from it', async () => {
    const [{ 'sha3-384': keyId }] = (await gateway.call('GET', keys())).json;
    const registered = await gateway.call('POST', `${keys()}/${keyId}/register`, { deliver: 'file' });
    const request = decodeAssertion(registered.json['account-key-request']);
    verifySelfSigned(request);
    expect(publicKeyOf(request).keyId).toBe(keyId);
    expect((await gateway.call('DELETE', `${keys()}/${keyId}`)).status).toBe(204);
    expect([await idsOn(card), await idsOn(rig.hsm)]).toEqual([[], ['usual']]);
  });
});
