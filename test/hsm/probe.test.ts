/** What a test signature may use of a token that others use as well, and what it tells. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CK } from '../../src/hsm/cryptoki.ts';
import { parseHsmKeyId, type HsmKeyId } from '../../src/hsm/index.ts';
import { signingFailure } from '../../src/hsm/status.ts';
import { onToken, putSmallKeys } from '../support/on-token.ts';
import { eventually, hsmChildren, signalThose } from '../support/processes.ts';
import { makeTestToken, openTestHsm, type TestToken } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A token with somebody else's key, which may decrypt and not sign. */
async function sharedToken(): Promise<TestToken> {
  const token = await makeTestToken(await temporaryFolder());
  onToken(token, (lib, session) => {
    const own = [
      { type: CK.CKA_TOKEN, value: true },
      { type: CK.CKA_ID, value: Buffer.from('00', 'hex') },
    ];
    const bits = [
      { type: CK.CKA_MODULUS_BITS, value: 2048 },
      { type: CK.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
    ];
    lib.C_GenerateKeyPair(
      session,
      { mechanism: CK.CKM_RSA_PKCS_KEY_PAIR_GEN },
      [...own, ...bits],
      [...own, { type: CK.CKA_DECRYPT, value: true }, { type: CK.CKA_SIGN, value: false }],
    );
  });
  return token;
}

/** That token, opened by who relies on the keys of a list; and two keys of theirs. */
async function opened(more: { readonly heartbeat?: number; readonly probeEvery?: number } = {}) {
  const inUse: HsmKeyId[] = [];
  const [first, second] = [parseHsmKeyId(randomUUID()), parseHsmKeyId(randomUUID())];
  const token = await sharedToken();
  putSmallKeys(token, [first, second]);
  const hsm = await openTestHsm(token, { keysInUse: async () => inUse, ...more });
  return { hsm, inUse, first, second };
}

describe('a test signature', () => {
  it("is made with nobody else's key: without one of ours in use the token is asked for a sign of life", async () => {
    const { hsm } = await opened();
    expect(await hsm.listKeys()).toHaveLength(3);
    expect(await hsm.probe()).toMatchObject({ key: undefined, missing: [], failure: undefined });
    expect(signingFailure(hsm.status())).toBeUndefined();
  });

  it('is made with a key in use, though another one signed before', async () => {
    const { hsm, inUse, first, second } = await opened();
    await hsm.sign(first, Buffer.alloc(64));
    inUse.push(second);
    expect(await hsm.probe()).toMatchObject({ key: second, missing: [], failure: undefined });
  });
});

describe('a key in use that is not on its token', () => {
  it('is told by its id, and the token signs on with the others', async () => {
    const { hsm, inUse, first, second } = await opened();
    inUse.push(first, second);
    expect(await hsm.probe()).toMatchObject({ key: first, missing: [] });
    await hsm.deleteKey(first);
    expect(await hsm.probe()).toMatchObject({ key: second, missing: [first], failure: undefined });
    await hsm.deleteKey(second);
    expect(await hsm.probe()).toMatchObject({ key: undefined, missing: [first, second], failure: undefined });
    expect(signingFailure(hsm.status())).toBeUndefined();
    await hsm.generateKey(second, 'ours');
    expect(await hsm.probe()).toMatchObject({ key: second, missing: [first] });
  });

  it('is looked for again as soon as the token was opened anew', async () => {
    const { hsm, inUse, first } = await opened({ probeEvery: 24 * 3600_000 });
    inUse.push(first);
    await hsm.deleteKey(first);
    await hsm.probe();
    await hsm.generateKey(first, 'ours');
    expect(hsm.status().lastProbe?.missing).toEqual([first]);
    signalThose(hsmChildren(), 'SIGKILL');
    await eventually('the key', () => hsm.status().lastProbe?.missing.length === 0);
  });

  it('is still told while nobody can say which keys are in use', async () => {
    const { hsm, inUse, first } = await opened();
    inUse.push(first);
    await hsm.deleteKey(first);
    let away = false;
    const other = await openTestHsm(await makeTestToken(await temporaryFolder()), {
      keysInUse: () => (away ? Promise.reject(new Error('the database is away')) : Promise.resolve(inUse)),
    });
    for (const now of [false, true]) {
      away = now;
      expect(await other.probe()).toMatchObject({ missing: [first], failure: undefined });
    }
  });
});
