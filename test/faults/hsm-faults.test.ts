/**
 * The HSM behind a p11-kit server fails in each way that it can, under a whole Model Service: HTTP, Temporal, batches, token.
 * Devices are told to come back in snapd's own envelope, `status` says what is waited for, and everybody has their serial once
 * the HSM is back, without a restart of anything.
 */
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withFailures } from '../../src/activities/errors.ts';
import { temporalBatches } from '../../src/api/device/provisioning/serial-batches.ts';
import { encodeStream, type Assertion } from '../../src/assertions/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { startWorkers, type Workers } from '../../src/worker/worker.ts';
import type { Device } from '../support/device.ts';
import { openModelService, type TestModelService } from '../support/model-service.ts';
import { P11KitServer } from '../support/p11-kit.ts';
import { eventually, hsmChildren, signalThose } from '../support/processes.ts';
import { makeTestToken, type TestToken } from '../support/softhsm-token.ts';
import { openTestTemporal, type TestTemporal } from '../support/temporal.ts';

let folder: string;
let token: TestToken;
let server: P11KitServer;
let temporal: TestTemporal;
let rig: TestModelService;
let workers: Workers;
let model: Assertion;
const pin = { now: '' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-hsm-faults-'));
  token = await makeTestToken(folder);
  pin.now = token.pin;
  server = new P11KitServer(token, folder);
  await server.start();
  temporal = await openTestTemporal();
  rig = await openModelService({
    folder,
    token,
    hsm: {
      module: { p11KitAddress: server.address },
      pin: async () => pin.now,
      deadlines: { sign: 1000, open: 2000 },
      heartbeat: 200,
      patience: 500,
      settleGeneration: 0,
    },
    provisioner: {
      patience: 300,
      runBatch: temporalBatches({ client: temporal.client, taskQueue: temporal.config.taskQueues.hsm.name }),
    },
  });
  workers = await startWorkers({
    config: temporal.config,
    connection: temporal.temporal.connection,
    dataConverter: temporal.dataConverter,
    log: silentLog(),
    activities: { hsm: withFailures(rig.activities) },
  });
  model = await rig.chain.model('model-a');
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: await rig.addKey('serials') });
}, 60_000);

afterAll(async () => {
  await rig.close();
  await workers.stop();
  await temporal.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => ready());

const words = () => rig.hsm.status().words;
const ready = () => eventually('the state "ready"', () => rig.hsm.status().state === 'ready');

/** A request for a serial, to be sent again and again as snapd does. */
async function request(): Promise<{ readonly device: Device; readonly stream: Uint8Array }> {
  const device = await rig.device(model);
  return { device, stream: encodeStream([await device.serialRequest(await device.requestId()), model]) };
}

async function ask({ stream }: { readonly stream: Uint8Array }) {
  const reply = await fetch(`${rig.server.url}/api/v1/snaps/auth/devices`, {
    method: 'POST',
    headers: { 'api-key': 'api-key-of-model-a' },
    body: Buffer.from(stream),
  });
  return { status: reply.status, text: await reply.text() };
}

/** Asks during a fault: the answer tells the device to come back, and that in words. */
async function expectPatience(asked: { readonly stream: Uint8Array }): Promise<void> {
  const { status, text } = await ask(asked);
  expect([202, 503]).toContain(status);
  const said: unknown = JSON.parse(text);
  if (status === 202) expect(said).toEqual({ message: 'the serial is not ready; ask again' });
  else expect(said).toMatchObject({ error_list: [{ code: expect.any(String), message: /^cannot / }] });
}

async function expectSerial(asked: { readonly stream: Uint8Array }): Promise<void> {
  await eventually('the serial', async () => (await ask(asked)).status === 200);
}

function killRemotes(): void {
  signalThose(server.remotes(), 'SIGKILL');
}

describe('devices that ask while', () => {
  it('both sessions are lost have their serials over new ones', async () => {
    const asked = await request();
    killRemotes();
    await expectSerial(asked);
    await ready();
  });

  it('the p11-kit server is killed are told to come back, and served when it is started again', async () => {
    const asked = await request();
    const remotes = server.remotes();
    await server.kill();
    signalThose(remotes, 'SIGKILL');
    await eventually('word of the missing slot', () => words().includes('no slot carries the token'));
    expect(words()).toMatch(/^waits for the token ".*": no slot carries .*; tries again/);
    await expectPatience(asked);
    expect(await rig.hsm.probe()).toMatchObject({ failure: expect.stringContaining('no slot') });
    await server.start();
    await expectSerial(asked);
    expect(await rig.hsm.probe()).toMatchObject({ failure: undefined });
  });

  it('the p11-kit server hangs are told to come back, and served when it goes on', async () => {
    const asked = await request();
    server.signal('SIGSTOP');
    signalThose(server.remotes(), 'SIGSTOP');
    await eventually('the loss of both connections', () => rig.hsm.status().state === 'down');
    expect(words()).toContain('has not answered');
    await expectPatience(asked);
    signalThose(server.remotes(), 'SIGCONT');
    server.signal('SIGCONT');
    await expectSerial(asked);
  });

  it('the token is away are told to come back, and served when it is there again', async () => {
    const asked = await request();
    const [name = ''] = await readdir(`${token.directory}/tokens`);
    await rename(`${token.directory}/tokens/${name}`, `${token.directory}/elsewhere`);
    killRemotes();
    await eventually('word of the missing slot', () => words().includes('no slot carries the token'));
    await expectPatience(asked);
    await rename(`${token.directory}/elsewhere`, `${token.directory}/tokens/${name}`);
    await expectSerial(asked);
  });

  it('the PIN is wrong are told to come back; it is sent once, and nothing until it is put right', async () => {
    const asked = await request();
    pin.now = 'wrong-pin';
    killRemotes();
    await eventually('the refusal of the PIN', () => rig.hsm.status().state === 'pin-refused');
    expect(words()).toMatch(/^waits for the PIN of the token .* to be put right: CKR_PIN_INCORRECT/);
    const { attempts } = rig.hsm.status().connections;
    await expectPatience(asked);
    await expectPatience(asked);
    expect(rig.hsm.status().connections.attempts).toBe(attempts);
    pin.now = token.pin;
    await expectSerial(asked);
    expect(words()).not.toContain('wrong-pin');
  });

  it('the HSM process is killed in the middle of a batch have one serial each', async () => {
    const asked = await Promise.all(Array.from({ length: 8 }, request));
    const answers = asked.map(ask);
    signalThose(hsmChildren(), 'SIGKILL');
    await Promise.all(answers);
    for (const one of asked) await expectSerial(one);
    const [{ signed } = { signed: 0 }] = await rig.database.queries
      .selectFrom('SigningKey')
      .select('signatures as signed')
      .execute();
    const rows = await rig.database.queries.selectFrom('SerialIntent').select('signedAt').execute();
    expect([signed, rows.every(({ signedAt }) => signedAt !== null)]).toEqual([rows.length, true]);
  });
});
