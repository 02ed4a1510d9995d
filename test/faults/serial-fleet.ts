import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { z } from 'zod';
import { WorkflowNotFoundError } from '@temporalio/client';
import {
  decodeAssertion,
  formatTimestamp,
  text,
  type Assertion,
  type PublicKey,
} from '../../src/assertions/index.ts';
import { decodePublicKey } from '../../src/assertions/public-key.ts';
import { allSigningKeys, countSignatures } from '../../src/storage/model-service/index.ts';
import { connectTemporal, type TemporalConnection } from '../../src/worker/connection.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { createNamespace } from '../../src/worker/namespace.ts';
import { freePort } from '../support/free-port.ts';
import { DeviceError, type Device } from '../support/device.ts';
import { openModelService, type TestModelService } from '../support/model-service.ts';
import { eventually } from '../support/processes.ts';
import { testConfig } from '../support/temporal.ts';
import { serialDigest } from './serial-digest.ts';
import type { orderSchema } from './service-order.ts';
import { readWitness, signatureIn } from './witness.ts';

type Order = z.infer<typeof orderSchema>;

/** A Model Service that is killed and started again, the devices that ask it, and what they must find in the end. */
export class SerialFleet {
  readonly rig: TestModelService;
  readonly order: Order;
  readonly #temporal: TemporalConnection;
  /** Batches that Temporal said are over. */
  readonly #over = new Set<string>();
  #process: ChildProcess | undefined;

  private constructor(rig: TestModelService, order: Order, temporal: TemporalConnection) {
    this.rig = rig;
    this.order = order;
    this.#temporal = temporal;
  }

  /** Prepares database, token, key and Temporal namespace; no service runs yet. */
  static async open(folder: string): Promise<SerialFleet> {
    const rig = await openModelService({ folder, smallKeys: 2 });
    const config = await testConfig();
    const payloadKey = createHash('sha256').update('payloads of fault tests').digest('hex');
    const temporal = await connectTemporal(
      config,
      createDataConverter([{ id: 'test', key: Buffer.from(payloadKey, 'hex') }]),
    );
    await createNamespace(temporal.connection, config);
    const order: Order = {
      database: join(folder, 'airlock.sqlite'),
      modulePath: rig.token.modulePath,
      moduleEnv: { ...rig.token.env },
      tokenLabel: rig.token.label,
      pin: rig.token.pin,
      temporal: config.env.local.address,
      namespace: config.env.local.namespace,
      payloadKey,
      secretRoot: Buffer.from(rig.secretRoot).toString('hex'),
      port: await freePort(),
      parts: 'all',
      ahead: 0,
      // Short, so that devices meet a 202 and send the same request again.
      patience: 1000,
      faultRate: 0,
      seed: 1,
      witness: join(folder, 'witness'),
    };
    return new SerialFleet(rig, order, temporal);
  }

  /** Starts the service, to die at a crash point where one is named, and waits until it serves. */
  async start(crashPoint = '', change: Partial<Order> = {}): Promise<ChildProcess> {
    const child = startService({ ...this.order, ...change }, crashPoint);
    this.#process = child.process;
    await child.ready;
    return child.process;
  }

  /** Starts the service as often as it dies, until `over`. */
  async keepRunning(over: Promise<unknown>, change: Partial<Order> = {}): Promise<void> {
    let done = false;
    const settle = () => {
      done = true;
    };
    over.then(settle, settle);
    while (!done) {
      const child = this.#process;
      if (child === undefined || hasEnded(child)) {
        await this.start('', change).catch((error: unknown) => {
          // Killed before it served: the next one follows.
          if (this.#process?.signalCode !== 'SIGKILL') throw error;
        });
      } else await Promise.race([over.catch(() => undefined), ended(child)]);
    }
  }

  /** Begins a sweep, which the next worker performs; resolves when it is over. */
  async sweep(name: string): Promise<unknown> {
    const options = { workflowId: `sweep/${name}`, taskQueue: 'hsm', args: [] };
    return (await this.#temporal.client.workflow.start('sweepSerials', options)).result();
  }

  /** Ends the service at once, as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || hasEnded(child)) return;
    const gone = ended(child);
    child.kill('SIGKILL');
    await gone;
  }

  /** Lets a running service, started if there is none, end what was begun, and asks Temporal whether any batch is open. */
  async settle(): Promise<void> {
    if (this.#process === undefined || hasEnded(this.#process)) await this.start();
    await eventually('every batch that was begun is over', () => this.#areBatchesOver(), 110_000);
    const { workflow } = this.#temporal.client;
    const open = "WorkflowType = 'provisionSerials' AND ExecutionStatus = 'Running'";
    await eventually('Temporal lists no open batch', async () => (await workflow.count(open)).count === 0);
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#temporal.close();
    await this.rig.close();
  }

  /** A model with its policy, and devices of it, one for each key. */
  async devices(name: string, keys: readonly KeyObject[], signingKey: PublicKey): Promise<FleetDevice[]> {
    await this.rig.addModel(name, { apiKey: `api-key-of-${name}`, key: signingKey });
    const model = await this.rig.chain.model(name);
    const store = `http://127.0.0.1:${String(this.order.port)}`;
    return Promise.all(
      keys.map(async (key) => ({ device: await this.rig.device(model, { store, key }), serials: [] })),
    );
  }

  /**
   * Checks what must hold in the end: one serial per device, all different, each in the log once, nothing left over but so many
   * promises that were given up.
   */
  async checkLog(
    devices: readonly FleetDevice[],
    { givenUp = 0, reason = 'key-changed' } = {},
  ): Promise<void> {
    const { queries } = this.rig.database;
    const byModel = Map.groupBy(devices, ({ device }) => text(device.model, 'model'));
    for (const [modelName, members] of byModel) {
      const rows = await queries
        .selectFrom('SerialIntent')
        .selectAll()
        .where('modelName', '=', modelName)
        .execute();
      expect(rows.length, `intents of ${modelName}`).toBe(members.length);
      expect(rows.filter(({ signedAt }) => signedAt === null)).toEqual([]);
      expect(new Set(rows.map(({ serial }) => serial)).size).toBe(members.length);
      const logged = new Map(
        rows.map((row) => [row.deviceKeyId, Buffer.from(row.serialAssertion ?? []).toString()]),
      );
      for (const { device, serials } of members) {
        expect(serials.length).toBeGreaterThan(0);
        const given = new Set(serials.map(({ bytes }) => Buffer.from(bytes).toString()));
        expect(given).toEqual(new Set([logged.get(device.signer.publicKey.keyId)]));
      }
    }
    for (const key of await allSigningKeys(queries)) {
      expect(await countSignatures(queries, key.keyId ?? ''), `signatures of ${key.name}`).toBe(
        key.signatures,
      );
    }
    const past = await queries
      .selectFrom('SerialHistory')
      .select(['reason', 'serialAssertion'])
      .where('modelName', 'in', [...byModel.keys()])
      .execute();
    expect(past).toEqual(Array.from({ length: givenUp }, () => ({ reason, serialAssertion: null })));
    await this.#checkWitness(devices);
  }

  /** The log has each signature that the HSM made, or the promise that it was of, and no other signature. */
  async #checkWitness(devices: readonly FleetDevice[]): Promise<void> {
    const rows = await this.rig.database.queries
      .selectFrom('SerialIntent')
      .select('serialAssertion')
      .execute();
    const logged = rows.flatMap(({ serialAssertion }) =>
      serialAssertion === null ? [] : [signatureIn(decodeAssertion(serialAssertion))],
    );
    const lost = await this.#digestsOfGivenUp(devices);
    const made = readWitness(this.order.witness).flatMap((seen) =>
      seen.act === 'sign' && !lost.has(seen.digest) ? [seen.signature] : [],
    );
    expect(new Set(logged)).toEqual(new Set(made));
  }

  /** What the HSM may have been asked to sign for promises that the history has without a signature. */
  async #digestsOfGivenUp(devices: readonly FleetDevice[]): Promise<Set<string>> {
    const { queries } = this.rig.database;
    const keys = await allSigningKeys(queries);
    const rows = await queries.selectFrom('SerialHistory').selectAll().execute();
    // A key that was deleted signs nothing, and its public half is gone.
    const kept = rows.filter((row) => keys.some(({ keyId }) => keyId === row.signKeyId));
    const digests = kept.map(async (row) => {
      const device = devices.find((one) => one.device.signer.publicKey.keyId === row.deviceKeyId)?.device;
      const key = keys.find(({ keyId }) => keyId === row.signKeyId)?.publicKey;
      const headers = {
        'authority-id': row.brandId,
        'brand-id': row.brandId,
        model: row.modelName,
        serial: row.serial,
        'device-key': device?.signer.publicKey.encoded ?? '',
        'device-key-sha3-384': row.deviceKeyId,
        timestamp: formatTimestamp(new Date(row.createdAt)),
      };
      return serialDigest(headers, decodePublicKey(Buffer.from(key ?? '')), new Date(row.createdAt));
    });
    return new Set(await Promise.all(digests));
  }

  /** Asks about each batch that any process began to start, whether Temporal lists it yet or not. */
  async #areBatchesOver(): Promise<boolean> {
    const begun = readWitness(this.order.witness).flatMap((seen) =>
      seen.act === 'start' ? [seen.workflow] : [],
    );
    for (const id of begun) {
      if (this.#over.has(id)) continue;
      const state = await this.#stateOf(id);
      if (state === 'RUNNING') return false;
      // One that never got there was not begun; its intents are another batch's.
      if (state !== undefined) expect(state, id).toBe('COMPLETED');
      this.#over.add(id);
    }
    return true;
  }

  async #stateOf(id: string): Promise<string | undefined> {
    try {
      return (await this.#temporal.client.workflow.getHandle(id).describe()).status.name;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }
}

/** One device, every serial that it was ever given, and what it has to remember. */
export interface FleetDevice {
  readonly device: Device;
  readonly serials: Assertion[];
  /** The request of which a 202 said that it was taken. */
  taken?: Assertion | undefined;
  /** The last request that it sent. */
  last?: Assertion | undefined;
}

/**
 * Asks as snapd does, only quicker (protocol/devices.md 1.3 and 1.4): again after 202, after 503 and when no answer comes. It
 * makes a request with a new request-id each time until it sees a 202, and from then on sends that very request.
 */
export async function persist(one: FleetDevice, deadline = 120_000): Promise<void> {
  const end = performance.now() + deadline;
  let problem: unknown;
  while (performance.now() < end) {
    try {
      const request = one.taken ?? (await one.device.serialRequest(await one.device.requestId()));
      one.last = request;
      const outcome = await one.device.postSerialRequest(request);
      one.taken = outcome.ready ? undefined : request;
      if (outcome.ready) {
        one.serials.push(outcome.serial);
        return;
      }
    } catch (error) {
      // What snapd takes for final would be a mistake of the service under test.
      if (error instanceof DeviceError && !error.isTemporary) throw error;
      problem = error;
    }
    await sleep(50 + Math.random() * 200);
  }
  throw new Error('a device got no serial in time', { cause: problem });
}

/** Sends the last request once more, to the byte, as if its answer had been lost after a 202. */
export function replay(one: FleetDevice): Promise<void> {
  one.taken = one.last;
  return persist(one);
}

/** Device keys: small ones, for speed. */
export function deviceKeys(count: number): KeyObject[] {
  return Array.from({ length: count }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
}

function startService(order: Order, crashPoint: string): { process: ChildProcess; ready: Promise<void> } {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'service-process.ts'), JSON.stringify(order)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, AIRLOCK_CRASH_POINT: crashPoint },
    },
  );
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (complaints += part));
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (status, signal) => {
      reject(
        new Error(
          `the service ended with ${String(status ?? signal)} before it served: ${complaints.slice(-2000)}`,
        ),
      );
    });
  });
  return { process: child, ready };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Resolves when the process is gone. */
export function ended(child: ChildProcess): Promise<void> {
  return hasEnded(child) ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()));
}
