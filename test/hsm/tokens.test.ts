import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HsmTokens, parseHsmKeyId, type HsmOptions, type TokenPlan } from '../../src/hsm/index.ts';
import { HsmError } from '../../src/hsm/errors.ts';
import { signingFailure } from '../../src/hsm/status.ts';
import { putSmallKeys } from '../support/on-token.ts';
import { P11KitServer } from '../support/p11-kit.ts';
import { eventually, hsmChildren, signalThose } from '../support/processes.ts';
import { makeTestToken, makeTwin, type TestToken } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const digests = Array.from({ length: 40 }, (_, index) =>
  createHash('sha512').update(`device ${index}`).digest(),
);
const [digest = Buffer.alloc(64)] = digests;
const keyId = parseHsmKeyId(randomUUID());

function plan(name: string, token: TestToken, more: Partial<HsmOptions> = {}): TokenPlan {
  return {
    name,
    fingerprint: JSON.stringify([token.label, Object.keys(more)]),
    options: async () => ({
      module: { path: token.modulePath, env: token.env },
      tokenLabel: token.label,
      pin: async () => token.pin,
      probeEvery: 0,
      ...more,
    }),
  };
}

async function opened(plans: readonly TokenPlan[]): Promise<HsmTokens> {
  const tokens = new HsmTokens();
  onTestFinished(() => tokens.close());
  await tokens.apply(plans);
  await tokens.firstAttempts(20_000);
  return tokens;
}

function wordsOf(tokens: HsmTokens, name: string): string {
  const found = tokens.status().find((token) => token.name === name);
  return found === undefined ? 'none' : `${found.state}: ${found.words}`;
}

/** Two tokens, a key of one id on each, and the processes that have them open. */
async function two(more: Partial<HsmOptions> = {}) {
  const folder = await temporaryFolder();
  const [one, other] = [await makeTestToken(folder), await makeTestToken(folder)];
  for (const token of [one, other]) putSmallKeys(token, [keyId]);
  const tokens = new HsmTokens();
  onTestFinished(() => tokens.close());
  await tokens.apply([plan('one', one, more)]);
  await tokens.firstAttempts(20_000);
  const ofOne = hsmChildren();
  await tokens.apply([plan('one', one, more), plan('other', other, more)]);
  await tokens.firstAttempts(20_000);
  return { tokens, one, other, ofOne };
}

/** Waits for the words of why the token `one` cannot sign; null when it can. */
async function failureOfOne(tokens: HsmTokens, matches: (failure: string | undefined) => boolean) {
  await eventually('the state of the token', () => {
    const one = tokens.status().find(({ name }) => name === 'one');
    return one !== undefined && matches(one.failure);
  });
}

describe('a token that cannot be opened', () => {
  it('says why, and is opened by a later attempt', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const right = plan('one', token);
    let installed = false;
    const options = async () => {
      const known = await right.options();
      return {
        ...known,
        get module() {
          if (!installed) throw new HsmError('hsm-module-missing', 'cannot find the module; install it');
          return known.module;
        },
      };
    };
    const tokens = await opened([{ ...right, options }]);
    expect(wordsOf(tokens, 'one')).toBe('down: cannot find the module; install it');
    expect(tokens.failed).toBe(true);

    installed = true;
    await tokens.apply([{ ...right, options }]);
    await eventually('the state "ready"', () => wordsOf(tokens, 'one').startsWith('ready'));
    expect(tokens.failed).toBe(false);
  });
});

describe('whether a token can sign', () => {
  it('is told from its state and from the last test signature, and anew when it is back', async () => {
    const folder = await temporaryFolder();
    const token = await makeTestToken(folder);
    const server = new P11KitServer(token, folder);
    onTestFinished(() => server.close());
    await server.start();
    const module = { p11KitAddress: server.address };
    const tokens = await opened([
      plan('one', token, { module, heartbeat: 200, probeEvery: 300, patience: 100 }),
    ]);
    await failureOfOne(tokens, (failure) => failure === undefined);
    const remotes = server.remotes();
    await server.kill();
    signalThose(remotes, 'SIGKILL');
    await failureOfOne(tokens, (failure) => failure?.startsWith('waits for the token') ?? false);
    await server.start();
    await failureOfOne(tokens, (failure) => failure === undefined);
  });

  it('is no while test signatures fail on open connections', () => {
    const words = 'signs with the token "card" over 1 connection';
    const probe = { at: new Date(0), milliseconds: undefined, key: undefined, missing: [] };
    const failed = {
      state: 'ready',
      words,
      lastProbe: { ...probe, failure: 'cannot do this on the token' },
    } as const;
    expect(signingFailure(failed)).toBe('the last test signature failed: cannot do this on the token');
    expect(signingFailure({ state: 'ready', words, lastProbe: undefined })).toBeUndefined();
    expect(signingFailure({ ...failed, state: 'pin-refused', words: 'waits for the PIN' })).toBe(
      'waits for the PIN',
    );
  });
});

describe('two tokens', () => {
  it('keep their keys apart', async () => {
    const { tokens, one, other } = await two();
    expect(await tokens.of('one').sign(keyId, digest)).not.toEqual(
      await tokens.of('other').sign(keyId, digest),
    );
    expect(wordsOf(tokens, 'one')).toBe(`ready: signs with the token "${one.label}" over 1 connection`);
    expect(wordsOf(tokens, 'other')).toBe(`ready: signs with the token "${other.label}" over 1 connection`);
  });

  it('do not wait for each other: one hangs, the other signs', async () => {
    const { tokens, ofOne } = await two({ deadlines: { sign: 60_000 } });
    signalThose(ofOne, 'SIGSTOP');
    const hanging = tokens.of('one').signMany(keyId, digests);
    expect(await tokens.of('other').signMany(keyId, digests)).toHaveLength(digests.length);
    expect(tokens.of('one').status()).toMatchObject({ state: 'ready' });
    signalThose(ofOne, 'SIGCONT');
    expect(await hanging).toHaveLength(digests.length);
  });

  it('are tested with a signature each', async () => {
    const { tokens } = await two({ keysInUse: async () => [keyId] });
    await Promise.all(['one', 'other'].map((name) => tokens.of(name).probe()));
    for (const { lastProbe } of tokens.status())
      expect(lastProbe).toMatchObject({ key: keyId, failure: undefined });
  });
});

describe('a token among others', () => {
  it('that is not there does not keep the others', async () => {
    const folder = await temporaryFolder();
    const token = await makeTestToken(folder);
    const tokens = await opened([plan('there', token), plan('lost', token, { tokenLabel: 'lost' })]);
    expect(wordsOf(tokens, 'lost')).toMatch(
      /^down: waits for the token "lost": no slot carries the token "lost"/,
    );
    expect(await tokens.of('there').listKeys()).toEqual([]);
  });

  it('whose PIN is wrong is tried once, and does not keep the others', async () => {
    const folder = await temporaryFolder();
    const [token, card] = [await makeTestToken(folder), await makeTestToken(folder)];
    const tokens = await opened([plan('there', token), plan('card', card, { pin: async () => 'wrong' })]);
    expect(wordsOf(tokens, 'card')).toMatch(/^pin-refused: waits for the PIN .*CKR_PIN_INCORRECT/);
    expect(await tokens.of('there').listKeys()).toEqual([]);
    await expect(tokens.of('card').listKeys()).rejects.toMatchObject({ code: 'hsm-pin-refused' });
    expect(tokens.of('card').status().connections.attempts).toBe(1);
  });

  it('that cannot be reached with its settings says so', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const broken = {
      name: 'broken',
      fingerprint: 'x',
      options: () => Promise.reject(new Error('cannot reach the HSM: set airlock.hsm.broken.module')),
    };
    const tokens = await opened([plan('there', token), broken]);
    expect(wordsOf(tokens, 'broken')).toBe('down: cannot reach the HSM: set airlock.hsm.broken.module');
    expect(() => tokens.of('broken')).toThrow('cannot use the HSM token "broken": cannot reach the HSM');
    expect(await tokens.of('there').listKeys()).toEqual([]);
  });

  it('that is behind a p11-kit server which dies does not keep the others, and is back with it', async () => {
    const folder = await temporaryFolder();
    const [token, card] = [await makeTestToken(folder), await makeTestToken(folder)];
    const server = new P11KitServer(card, folder);
    onTestFinished(() => server.close());
    await server.start();
    const module = { p11KitAddress: server.address };
    const tokens = await opened([plan('there', token), plan('card', card, { module, heartbeat: 200 })]);
    for (const name of ['there', 'card']) await tokens.of(name).generateKey(keyId, name);
    const remotes = server.remotes();
    await server.kill();
    signalThose(remotes, 'SIGKILL');
    await eventually('word of the empty slots', () => wordsOf(tokens, 'card').includes('no slot'));
    expect(await tokens.of('there').signMany(keyId, digests)).toHaveLength(digests.length);
    const waiting = tokens.of('card').sign(keyId, digest);
    await server.start();
    expect(await waiting).toHaveLength(512);
  });
});

describe('the tokens of an appliance', () => {
  it('come and go while it runs, and say so', async () => {
    const folder = await temporaryFolder();
    const [one, other] = [await makeTestToken(folder), await makeTestToken(folder)];
    const tokens = await opened([plan('one', one)]);
    expect(() => tokens.of('other')).toThrow(
      'cannot use the HSM token "other": it is not configured any more; set its label again, or give the models a policy with a key on another token',
    );
    const kept = tokens.of('one');
    await tokens.apply([plan('one', one), plan('other', other)]);
    await tokens.firstAttempts(20_000);
    expect(tokens.of('one')).toBe(kept);
    expect(await tokens.of('other').listKeys()).toEqual([]);
    await tokens.apply([plan('other', other)]);
    expect(() => tokens.of('one')).toThrow('is not configured any more');
    expect(kept.status().state).toBe('closed');
    expect(tokens.status().map(({ name }) => name)).toEqual(['other']);
  });

  it('are opened anew when their settings change', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const tokens = await opened([plan('one', token, { tokenLabel: 'lost' })]);
    await tokens.apply([plan('one', token)]);
    await eventually('the state "ready"', () => wordsOf(tokens, 'one').startsWith('ready'));
  });
});

describe('a label on two slots', () => {
  it('is told apart by the serial number, and said where it is not', async () => {
    const folder = await temporaryFolder();
    const token = await makeTestToken(folder);
    const serial = await makeTwin(token);
    const unclear = await opened([plan('one', token)]);
    expect(wordsOf(unclear, 'one')).toContain(
      `two tokens carry the label "${token.label}"; name one by its serial number`,
    );
    await unclear.close();
    const clear = await opened([plan('one', token, { tokenSerial: serial })]);
    expect(clear.of('one').status()).toMatchObject({ state: 'ready', token: { serial } });
  });
});
