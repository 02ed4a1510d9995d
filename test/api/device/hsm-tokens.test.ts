/** Models whose keys are on different HSM tokens: one token that hangs holds up its own devices and no others. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openHsm, type Hsm } from '../../../src/hsm/index.ts';
import { openModelService, type TestModelService } from '../../support/model-service.ts';
import { hsmChildren, signalThose } from '../../support/processes.ts';
import { makeTestToken } from '../../support/softhsm-token.ts';

let folder: string;
let card: Hsm;
let ofCard: readonly number[];
let rig: TestModelService;
/** Batches are handed to nobody while this is false. */
let batchesRun = true;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-tokens-'));
  const token = await makeTestToken(folder);
  card = await openHsm({
    module: { path: token.modulePath, env: token.env },
    tokenLabel: token.label,
    pin: async () => token.pin,
    probeEvery: 0,
    // It is known to hang only when the test lets it go on.
    deadlines: { sign: 600_000 },
  });
  ofCard = hsmChildren();
  rig = await openModelService({
    folder,
    otherTokens: { card },
    provisioner: {
      capacity: 2,
      patience: 200,
      lookEvery: 20,
      runBatch: async (intents) => {
        if (batchesRun) await rig.activities.signSerials({ batch: 'batch', intents });
      },
    },
  });
  const [usual, onCard] = [await rig.addKey('usual'), await rig.addKey('on-card', {}, 'card')];
  await rig.addModel('usual', { apiKey: 'api-key-of-usual', key: usual });
  await rig.addModel('careful', { apiKey: 'api-key-of-careful', key: onCard });
});

afterAll(async () => {
  signalThose(ofCard, 'SIGCONT');
  await rig.close();
  await card.close();
  await rm(folder, { recursive: true, force: true });
});

const deviceOf = async (model: string) => rig.device(await rig.chain.model(model));
const asksOnce = async (device: Awaited<ReturnType<typeof deviceOf>>) =>
  device.postSerialRequest(await device.serialRequest(await device.requestId()));

describe('two models with keys on two tokens', () => {
  it('have serials signed by the key that their policy names', async () => {
    const [one, other] = [await deviceOf('usual'), await deviceOf('careful')];
    const serials = [await one.requestSerial(), await other.requestSerial()];
    expect(new Set(serials.map(({ headers }) => headers['sign-key-sha3-384'])).size).toBe(2);
  });

  it('do not wait for each other: while one token hangs, the other serves', async () => {
    signalThose(ofCard, 'SIGSTOP');
    const waiting = await deviceOf('careful');
    const request = await waiting.serialRequest(await waiting.requestId());
    expect(await waiting.postSerialRequest(request)).toEqual({ ready: false });
    expect(await asksOnce(await deviceOf('usual'))).toMatchObject({ ready: true });

    // What waits for the token that hangs fills its own line only.
    expect(await asksOnce(await deviceOf('careful'))).toEqual({ ready: false });
    await expect(asksOnce(await deviceOf('careful'))).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining('too many devices wait'),
    });
    expect(await asksOnce(await deviceOf('usual'))).toMatchObject({ ready: true });

    signalThose(ofCard, 'SIGCONT');
    await expect
      .poll(() => waiting.postSerialRequest(request), { timeout: 20_000 })
      .toMatchObject({
        ready: true,
      });
  });

  it('are swept each by itself', async () => {
    await expect.poll(() => rig.provisioner.load, { timeout: 20_000 }).toBe(0);
    batchesRun = false;
    const [one, other] = [await deviceOf('usual'), await deviceOf('careful')];
    expect([await asksOnce(one), await asksOnce(other)]).toEqual([{ ready: false }, { ready: false }]);
    signalThose(ofCard, 'SIGSTOP');
    rig.setClock(new Date(Date.now() + 120_000));
    const sweep = rig.activities.sweepSerials();
    rig.setClock(null);
    await expect.poll(() => asksOnce(one), { timeout: 20_000 }).toMatchObject({ ready: true });
    signalThose(ofCard, 'SIGCONT');
    expect(await sweep).toEqual({ signed: 2, refused: 0 });
    expect(await asksOnce(other)).toMatchObject({ ready: true });
    batchesRun = true;
  });
});
