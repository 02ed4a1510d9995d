/** Signing keys on more than one HSM token, by the admin of the brand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TokenStanding } from '../../../src/api/admin/gateway.ts';
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
    pin: async () => pin.wrong ?? token.pin,
    probeEvery: 0,
  });
  rig = await openModelService({ folder, otherTokens: { card } });
  gateway = await openGateway(rig, {
    readTimeout: () => patience.seconds,
    hsm: () => patience,
  });
});

afterAll(async () => {
  await gateway.close();
  await rig.close();
  await card.close();
  await rm(folder, { recursive: true, force: true });
});

const pin: { wrong: string | undefined } = { wrong: undefined };
const patience: { -readonly [fact in keyof TokenStanding]: TokenStanding[fact] } & { seconds: number } = {
  seconds: 15,
  failure: undefined,
  pinRefused: undefined,
  lastProbe: undefined,
};

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

  it('that the last look at its token did not find is told to be missing', async () => {
    const { json } = await gateway.call('GET', keys());
    const [careful] = z.array(z.looseObject({ 'sha3-384': z.string() })).parse(json);
    const details = async () => (await gateway.call('GET', `${keys()}/${careful?.['sha3-384']}`)).json;
    expect(await details()).toMatchObject({ 'missing-on-token': false });
    const held = (await card.listKeys()).find(({ label }) => label === 'careful');
    patience.lastProbe = { missing: [held?.id ?? ''] };
    expect(await details()).toMatchObject({ 'missing-on-token': true, status: 'unregistered' });
    patience.lastProbe = undefined;
  });

  it('that waits for an HSM that is down says so, and is made and deleted when it is back', async () => {
    const calls = { generateKey: card.generateKey.bind(card), deleteKey: card.deleteKey.bind(card) };
    const back = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    card.generateKey = async (...args) => back.promise.then(() => calls.generateKey(...args));
    card.deleteKey = async (...args) => gone.promise.then(() => calls.deleteKey(...args));
    patience.seconds = 0.5;
    patience.failure = 'waits for the token "card": no slot carries the token "card"';
    const waiting = await gateway.call('POST', keys(), { name: 'late', token: 'card' });
    expect([waiting.status, waiting.json['error-list'][0].message]).toEqual([
      503,
      `cannot say yet that signing key 'late' is made: the HSM is down (${patience.failure}); it goes on, and the key is made when the HSM is back`,
    ]);
    back.resolve();
    const named = async () =>
      z
        .array(z.object({ name: z.string(), 'sha3-384': z.string() }))
        .parse((await gateway.call('GET', keys())).json)
        .find(({ name }) => name === 'late');
    await expect.poll(named, { timeout: 30_000 }).toBeDefined();
    const path = `${keys()}/${(await named())?.['sha3-384'] ?? ''}`;
    const deleting = await gateway.call('DELETE', path);
    expect([deleting.status, deleting.json['error-list'][0].message]).toEqual([
      503,
      `cannot say yet that signing key 'late' is gone from the HSM: the HSM is down (${patience.failure}); nothing signs with it any more, and it goes on until the HSM has removed the key`,
    ]);
    expect(await idsOn(card)).toContain('late');
    gone.resolve();
    await expect.poll(() => idsOn(card), { timeout: 30_000 }).not.toContain('late');
    Object.assign(card, calls);
    Object.assign(patience, { seconds: 15, failure: undefined });
  });

  it('is not made with a wrong PIN, as who asks is told at once, and not deleted before it is put right', async () => {
    pin.wrong = '11111';
    // The answer does not come of time that ran out.
    patience.seconds = 24 * 3600;
    const refused = await gateway.call('POST', keys(), { name: 'guarded', token: 'card' });
    expect([refused.status, refused.json['error-list'][0]]).toEqual([
      503,
      {
        code: 'hsm-pin-refused',
        message: expect.stringMatching(
          /^cannot log in to the token: it refused the PIN that is set \(CKR_PIN_INCORRECT/,
        ),
      },
    ]);
    expect(card.status().words).toContain("the PIN that is set is not the token's");
    pin.wrong = undefined;
    const made = await gateway.call('POST', keys(), { name: 'guarded', token: 'card' });
    expect([made.status, made.json.token]).toEqual([201, 'card']);
    const deleteKey = card.deleteKey.bind(card);
    const put = Promise.withResolvers<void>();
    card.deleteKey = async (...args) => put.promise.then(() => deleteKey(...args));
    Object.assign(patience, { seconds: 0.5, pinRefused: 'CKR_PIN_INCORRECT' });
    const deleting = await gateway.call('DELETE', `${keys()}/${made.json['sha3-384']}`);
    expect([deleting.status, deleting.json['error-list'][0].message]).toEqual([
      503,
      "cannot say yet that signing key 'guarded' is gone from the HSM: the PIN that is set is not the one of the HSM (CKR_PIN_INCORRECT), set the right one; nothing signs with it any more, and it goes on until the HSM has removed the key",
    ]);
    put.resolve();
    await expect.poll(() => idsOn(card), { timeout: 30_000 }).not.toContain('guarded');
    Object.assign(card, { deleteKey });
    Object.assign(patience, { seconds: 15, pinRefused: undefined });
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
