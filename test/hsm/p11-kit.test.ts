import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseHsmKeyId, type Hsm, type HsmKeyId, type HsmOptions } from '../../src/hsm/index.ts';
import { P11KitServer } from '../support/p11-kit.ts';
import { eventually, hsmChildren, processorTicks, signalThose } from '../support/processes.ts';
import { makeTestToken, openTestHsm, type TestToken } from '../support/softhsm-token.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const digests = Array.from({ length: 60 }, (_, index) =>
  createHash('sha512').update(`device ${index}`).digest(),
);
const [digest = Buffer.alloc(64)] = digests;

interface Fixture {
  readonly token: TestToken;
  readonly server: P11KitServer;
  readonly id: HsmKeyId;
  open(options?: Partial<HsmOptions>): Promise<Hsm>;
}

/** A token with a key, behind a p11-kit server that runs. */
async function served(): Promise<Fixture> {
  const folder = await temporaryFolder();
  const token = await makeTestToken(folder);
  const id = parseHsmKeyId(randomUUID());
  const direct = await openTestHsm(token);
  await direct.generateKey(id, 'key');
  await direct.close();
  const server = new P11KitServer(token, folder);
  onTestFinished(() => server.close());
  await server.start();
  const module = { p11KitAddress: server.address };
  return {
    token,
    server,
    id,
    open: (options) => openTestHsm(token, { module, settleGeneration: 0, ...options }),
  };
}

async function connected(hsm: Hsm): Promise<void> {
  await eventually('both connections', () => hsm.status().state === 'ready');
}

describe('a token behind a p11-kit server', () => {
  it('signs over two connections, and makes keys', async () => {
    const { open, server, id } = await served();
    const hsm = await open();
    await connected(hsm);
    expect(server.remotes()).toHaveLength(2);
    expect((await hsm.signMany(id, digests)).every(({ length }) => length === 512)).toBe(true);
    const made = parseHsmKeyId(randomUUID());
    const publicKey = await hsm.generateKey(made, 'another');
    expect(await hsm.generateKey(made, 'another')).toEqual(publicKey);
    expect(await hsm.listKeys()).toHaveLength(2);
    await hsm.sign(made, digest);
  });

  it('goes on when the processes of both connections are killed in a burst', async () => {
    const { open, server, id } = await served();
    const hsm = await open();
    await connected(hsm);
    const expected = await hsm.signMany(id, digests);
    const burst = hsm.signMany(id, digests);
    signalThose(server.remotes(), 'SIGKILL');
    expect(await burst).toEqual(expected);
    await connected(hsm);
  });

  it('goes on when the processes of both connections hang', async () => {
    const { open, server, id } = await served();
    const hsm = await open({ deadlines: { sign: 700 } });
    await connected(hsm);
    signalThose(server.remotes(), 'SIGSTOP');
    expect((await hsm.signMany(id, digests)).length).toBe(digests.length);
  });

  it('waits for a server that is gone, says so, and needs no restart when it is back', async () => {
    const { open, server, id } = await served();
    const hsm = await open({ heartbeat: 200, patience: 60_000 });
    await connected(hsm);
    const remotes = server.remotes();
    await server.kill();
    signalThose(remotes, 'SIGKILL');
    await eventually('word of the empty slots', () => hsm.status().words.includes('no slot'));
    expect(hsm.status().state).toBe('down');
    expect(hsm.status().words).toContain('no slot carries the token');

    // The socket of the killed server is still there, as after a crash of the machine's service.
    expect(existsSync(server.socket)).toBe(true);
    const waiting = hsm.sign(id, digest);
    await server.start();
    expect((await waiting).length).toBe(512);
    await connected(hsm);
  });

  it('keeps the connections it has when only the server dies, and opens new ones when it is back', async () => {
    const { open, server, id } = await served();
    const hsm = await open();
    await connected(hsm);
    await server.kill();
    expect((await hsm.signMany(id, digests)).length).toBe(digests.length);
    await server.start();
    await connected(hsm);
  });

  it('starts while the server hangs, and connects when it goes on', async () => {
    const { open, server, id } = await served();
    server.signal('SIGSTOP');
    const hsm = await open({ deadlines: { open: 700 } });
    expect(hsm.status()).toMatchObject({ state: 'down', words: expect.stringContaining('has not answered') });
    server.signal('SIGCONT');
    await connected(hsm);
    expect((await hsm.sign(id, digest)).length).toBe(512);
  });

  it('opens for three programs that start at the same moment', async () => {
    const { open, id } = await served();
    const hsms = await Promise.all([open(), open(), open()]);
    await Promise.all(hsms.map(connected));
    const signatures = await Promise.all(hsms.map((hsm) => hsm.sign(id, digest)));
    expect(signatures[1]).toEqual(signatures[0]);
    expect(signatures[2]).toEqual(signatures[0]);
  });

  it('makes one key when its process is killed in the middle and goes on by itself', async () => {
    const { open, server } = await served();
    const hsm = await open({ settleGeneration: 2000 });
    await connected(hsm);
    const before = new Set(server.remotes());
    const id = parseHsmKeyId(randomUUID());
    const generation = hsm.generateKey(id, 'late');
    const maker = () => server.remotes().find((pid) => !before.has(pid));
    // Log-in takes far less: from here on it makes the key, or has made it.
    await eventually('the connection that makes the key', () => processorTicks(maker() ?? 0) >= 15);
    signalThose(hsmChildren().slice(2), 'SIGKILL');
    const made = await generation;
    expect((await hsm.listKeys()).filter((key) => key.id === id)).toEqual([
      { id, label: 'late', publicKey: made },
    ]);
  });
});
