import { createHash, randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseHsmKeyId, type Hsm, type HsmKeyId } from '../../src/hsm/index.ts';
import { childrenOf, describeProcess, eventually, hsmChildren, signalThose } from '../support/processes.ts';
import { makeTestToken, openTestHsm } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const digests = Array.from({ length: 200 }, (_, index) =>
  createHash('sha512').update(`device ${index}`).digest(),
);
const [digest = Buffer.alloc(64)] = digests;

async function withKey(hsm: Hsm): Promise<HsmKeyId> {
  const id = parseHsmKeyId(randomUUID());
  await hsm.generateKey(id, 'key');
  return id;
}

/** The only child of the only open HSM; there are none of other tests, because each test closes its own. */
async function onlyChild(): Promise<number> {
  await eventually('one HSM process', () => hsmChildren().length === 1);
  return hsmChildren()[0] ?? 0;
}

describe('an HSM that goes away and comes back', () => {
  it('answers all of 200 calls though its process is killed twice in between', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const id = await withKey(hsm);
    const expected = await hsm.signMany(id, digests);
    let answered = 0;
    const burst = digests.map(async (each) => {
      const signature = await hsm.sign(id, each);
      answered++;
      return signature;
    });
    for (const mark of [40, 120]) {
      await eventually(`${mark} signatures`, () => answered >= mark);
      process.kill(await onlyChild(), 'SIGKILL');
    }
    expect(await Promise.all(burst)).toEqual(expected);
    expect(hsm.status().connections.attempts).toBeGreaterThanOrEqual(4);
  });

  it('replaces a process that hangs, and answers what it held', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()), { deadlines: { sign: 500 } });
    const id = await withKey(hsm);
    const hung = await onlyChild();
    process.kill(hung, 'SIGSTOP');
    const [first] = await hsm.signMany(id, digests.slice(0, 20));
    expect(first?.length).toBe(512);
    expect(describeProcess(hung)).toBeUndefined();
  });

  it('notices without any call that an idle process hangs or died', async () => {
    const options = { deadlines: { sign: 300 }, heartbeat: 100 };
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()), options);
    await withKey(hsm);
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      const child = await onlyChild();
      process.kill(child, signal);
      await eventually('another process', () => hsmChildren().some((pid) => pid !== child));
      await eventually('a working connection', () => hsm.status().state === 'ready');
    }
  });

  it('waits for a token that was taken away, says so, and signs when it is back', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token);
    const id = await withKey(hsm);
    const expected = await hsm.sign(id, digest);

    const [folder = ''] = await readdir(`${token.directory}/tokens`);
    await rename(`${token.directory}/tokens/${folder}`, `${token.directory}/elsewhere`);
    process.kill(await onlyChild(), 'SIGKILL');
    await eventually(
      'the state "down"',
      () => hsm.status().state === 'down' && /no slot/.test(hsm.status().words),
    );
    expect(hsm.status().words).toContain(`waits for the token "${token.label}"`);
    const waiting = hsm.sign(id, digest);

    await rename(`${token.directory}/elsewhere`, `${token.directory}/tokens/${folder}`);
    expect(await waiting).toEqual(expected);
    expect(hsm.status()).toMatchObject({ state: 'ready', connections: { open: 1, wanted: 1 } });
  });

  it('is reached with the next try after it is back, however often it was tried before', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token);
    const id = await withKey(hsm);
    const [folder = ''] = await readdir(`${token.directory}/tokens`);
    await rename(`${token.directory}/tokens/${folder}`, `${token.directory}/elsewhere`);
    process.kill(await onlyChild(), 'SIGKILL');
    await eventually('five tries in vain', () => hsm.status().connections.attempts >= 6);
    await rename(`${token.directory}/elsewhere`, `${token.directory}/tokens/${folder}`);
    // One may be under way that began before; what follows it finds the token.
    const { attempts } = hsm.status().connections;
    await hsm.sign(id, digest);
    expect(hsm.status().connections.attempts).toBeLessThanOrEqual(attempts + 1);
  });

  it('starts though there is no token, and refuses calls that waited long enough', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token, { tokenLabel: 'another', patience: 300 });
    const id = parseHsmKeyId('01');
    const refusal = {
      kind: 'unavailable',
      code: 'hsm-unavailable',
      message: expect.stringContaining('"another"'),
    };
    await expect(hsm.sign(id, digest)).rejects.toMatchObject(refusal);
    await expect(hsm.generateKey(id, 'key')).rejects.toMatchObject(refusal);
    expect(await hsm.probe()).toMatchObject({
      milliseconds: undefined,
      failure: expect.stringContaining('"another"'),
    });
  });

  it('says which module cannot be loaded', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const hsm = await openTestHsm(token, { module: { path: '/nowhere/module.so' }, patience: 1 });
    expect(hsm.status().words).toContain('/nowhere/module.so');
    await expect(hsm.listKeys()).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('makes one key though its process is killed while it makes it', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const before = await onlyChild();
    const id = parseHsmKeyId(randomUUID());
    const generation = hsm.generateKey(id, 'key');
    await eventually('the process that makes the key', () => hsmChildren().length === 2);
    signalThose(
      hsmChildren().filter((pid) => pid !== before),
      'SIGKILL',
    );
    const made = await generation;
    expect(await hsm.listKeys()).toEqual([{ id, label: 'key', publicKey: made }]);
  });
});

describe('a PIN', () => {
  it('that is wrong is sent once, and then only when it was changed', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const pin = { now: 'wrong-pin', asked: 0 };
    const hsm = await openTestHsm(token, { pin: async () => (pin.asked++, pin.now) });
    expect(hsm.status()).toMatchObject({
      state: 'pin-refused',
      words: expect.stringContaining('CKR_PIN_INCORRECT'),
    });
    expect(hsm.status().words).not.toContain('wrong-pin');

    const refusal = { kind: 'unavailable', code: 'hsm-pin-refused' };
    await expect(hsm.sign(parseHsmKeyId('01'), digest)).rejects.toMatchObject(refusal);
    await expect(hsm.generateKey(parseHsmKeyId('01'), 'key')).rejects.toMatchObject(refusal);
    await eventually('another look at the PIN', () => pin.asked >= 3);
    expect(hsm.status().connections.attempts).toBe(1);

    pin.now = token.pin;
    await eventually('the state "ready"', () => hsm.status().state === 'ready');
    expect(hsm.status().connections.attempts).toBe(2);
    expect(await hsm.listKeys()).toEqual([]);
  });

  it('that is wrong while connections are open is told by who met it, is sent once, and shows in the status', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const pin = { now: token.pin };
    const hsm = await openTestHsm(token, { pin: async () => pin.now, heartbeat: 100 });
    const id = await withKey(hsm);
    const { attempts } = hsm.status().connections;
    pin.now = 'wrong-pin';
    const refusal = {
      code: 'hsm-pin-refused',
      message: expect.stringMatching(
        /^cannot log in to the token: it refused the PIN that is set \(CKR_PIN_INCORRECT/,
      ),
    };
    const atOnce = ['02', '03', '04'].map((name) => hsm.generateKey(parseHsmKeyId(name), 'key'));
    for (const generation of await Promise.allSettled(atOnce))
      expect(generation).toMatchObject({ status: 'rejected', reason: refusal });
    await expect(hsm.generateKey(parseHsmKeyId('02'), 'key')).rejects.toMatchObject(refusal);
    expect(hsm.status()).toMatchObject({
      state: 'degraded',
      words: expect.stringMatching(
        /^signs with the token .* over 1 connection, but the PIN that is set is not the token's: CKR_PIN_INCORRECT/,
      ),
      connections: { attempts: attempts + 1 },
    });
    expect(hsm.status().words).not.toContain('wrong-pin');
    await hsm.sign(id, digest);

    pin.now = token.pin;
    await eventually('the state "ready"', () => hsm.status().state === 'ready');
    await hsm.generateKey(parseHsmKeyId('02'), 'key');
    expect(hsm.status()).toMatchObject({ state: 'ready', connections: { attempts: attempts + 2 } });
  });

  it('that cannot be read is looked for again', async () => {
    const token = await makeTestToken(await temporaryFolder());
    let readable = false;
    const read = () =>
      readable ? Promise.resolve(token.pin) : Promise.reject(new Error('cannot read the PIN file'));
    const hsm = await openTestHsm(token, { pin: read });
    expect(hsm.status()).toMatchObject({
      state: 'down',
      words: expect.stringContaining('cannot read the PIN file'),
    });
    readable = true;
    await eventually('the state "ready"', () => hsm.status().state === 'ready');
  });
});

describe('the HSM process', () => {
  it('ends with its parent, even when that is killed', async () => {
    const token = await makeTestToken(await temporaryFolder());
    const script = `
      const { openHsm } = await import(${JSON.stringify(new URL('../../src/hsm/index.ts', import.meta.url).href)});
      const [path, env, tokenLabel, pin] = JSON.parse(process.env.TOKEN);
      await openHsm({ module: { path, env }, tokenLabel, pin: async () => pin });
      process.stdout.write('open');`;
    const settings = JSON.stringify([token.modulePath, token.env, token.label, token.pin]);
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], TOKEN: settings },
    });
    await once(parent.stdout, 'data');
    const children = childrenOf(parent.pid ?? 0).map(({ pid }) => pid);
    expect(children).toHaveLength(1);
    parent.kill('SIGKILL');
    await eventually('the end of the child', () =>
      children.every((pid) => describeProcess(pid) === undefined),
    );
  });

  it('does not end when the whole group is asked to stop: its parent decides', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const id = await withKey(hsm);
    const child = await onlyChild();
    process.kill(child, 'SIGTERM');
    process.kill(child, 'SIGINT');
    await hsm.sign(id, digest);
    expect(await onlyChild()).toBe(child);
  });

  it('has the PIN in neither its arguments nor its environment', async () => {
    const token = await makeTestToken(await temporaryFolder());
    await openTestHsm(token);
    const child = await onlyChild();
    const shown = await Promise.all(
      ['cmdline', 'environ'].map((name) => readFile(`/proc/${child}/${name}`, 'utf8')),
    );
    expect(shown.join()).toContain('child.ts');
    expect(shown.join()).not.toContain(token.pin);
  });
});

describe('closing', () => {
  it('finishes what is in flight, refuses what waits, and leaves no process', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()));
    const id = await withKey(hsm);
    await hsm.sign(id, digest);
    const burst = digests.map((each) =>
      hsm.sign(id, each).then(
        () => 'signed',
        (error: { code: string }) => error.code,
      ),
    );
    const child = await onlyChild();
    await hsm.close();
    expect(new Set(await Promise.all(burst))).toEqual(new Set(['signed', 'hsm-closed']));
    await eventually('the end of the process', () => describeProcess(child) === undefined);
    await expect(hsm.sign(id, digest)).rejects.toMatchObject({ code: 'hsm-closed' });
    expect(hsm.status().state).toBe('closed');
  });

  it('refuses calls at once when too many wait', async () => {
    const hsm = await openTestHsm(await makeTestToken(await temporaryFolder()), { queue: 10 });
    const id = await withKey(hsm);
    await hsm.sign(id, digest);
    const outcomes = await Promise.allSettled(digests.map((each) => hsm.sign(id, each)));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(100);
    expect(
      refused.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'hsm-busy'),
    ).toBe(true);
  });
});
