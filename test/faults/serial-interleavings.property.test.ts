import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeAssertion,
  signAssertion,
  text,
  type Assertion,
  type PublicKey,
} from '../../src/assertions/index.ts';
import {
  addBlock,
  addPermit,
  addRemodel,
  countSignatures,
  removeBlock,
} from '../../src/storage/model-service/index.ts';
import { DeviceError, type Device } from '../support/device.ts';
import { openModelService, type TestModelService } from '../support/model-service.ts';

let folder: string;
let rig: TestModelService;
let signingKeys: PublicKey[];
/** Whether batches get lost before anything is signed. */
let losing = false;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-interleavings-'));
  const made: { run?: TestModelService['activities'] } = {};
  rig = await openModelService({
    folder,
    provisioner: {
      patience: 100,
      restartAfter: 5,
      runBatch: async (intents) => {
        if (losing) return;
        await made.run?.signSerials({ batch: randomUUID(), intents });
      },
    },
  });
  made.run = rig.activities;
  signingKeys = [await rig.addKey('one'), await rig.addKey('two')];
});

afterAll(async () => {
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

/** One act on the fleet: boards are numbers, so that two of them can claim the same serial. */
type Act =
  | { readonly kind: 'ask' | 'replay' | 'remodel'; readonly board: number }
  | { readonly kind: 'rush'; readonly boards: readonly number[] }
  | { readonly kind: 'block' | 'unblock'; readonly board: number }
  | { readonly kind: 'rotate'; readonly to: number }
  | { readonly kind: 'permit'; readonly serial: number }
  | { readonly kind: 'lose' | 'find' };

const board = fc.nat({ max: 3 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('ask', 'replay'), board }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('rush'),
      boards: fc.array(board, { minLength: 2, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remodel'), board }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('block', 'unblock'), board }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rotate'), to: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('permit'), serial: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('lose', 'find') }) },
);

/** A fleet of four boards that share two serial numbers, on two models of its own. */
class World {
  readonly #name = `w${randomUUID().slice(0, 8)}`;
  readonly #requests = new Map<number, Assertion>();
  readonly #blocked = new Set<number>();
  readonly #given = new Map<string, Set<string>>();
  #boards: Device[] = [];
  #next: Assertion | undefined;

  async open(): Promise<void> {
    const model = await rig.chain.model(this.#name);
    this.#next = await rig.chain.model(`${this.#name}-next`);
    for (const name of [this.#name, `${this.#name}-next`]) {
      await rig.addModel(name, { apiKey: 'key', ...(signingKeys[0] && { key: signingKeys[0] }) });
    }
    const { brandId } = rig.chain;
    const at = {
      createdAt: new Date().toISOString(),
      createdBy: 'admin',
      modifiedAt: null,
      modifiedBy: null,
    };
    await addRemodel(rig.database.queries, {
      brandId,
      fromModel: this.#name,
      toModel: `${this.#name}-next`,
      fromSerial: '',
      description: '',
      ...at,
    });
    // New boards for each world: what a device key is already counts in all models of the brand.
    this.#boards = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        rig.device(model, { headers: { 'api-key': 'key' }, proposedSerial: `S-${String(index % 2)}` }),
      ),
    );
  }

  async perform(one: Act): Promise<void> {
    const { queries } = rig.database;
    const { brandId } = rig.chain;
    switch (one.kind) {
      case 'ask':
        this.#requests.delete(one.board);
        return this.#ask(one.board);
      case 'replay':
        return this.#ask(one.board);
      case 'rush':
        for (const each of one.boards) this.#requests.delete(each);
        await Promise.all(one.boards.map((each) => this.#ask(each)));
        return;
      case 'remodel':
        return this.#remodel(one.board);
      case 'block':
      case 'unblock': {
        const block = { kind: 'device-key', brandId, subject: this.#keyId(one.board) };
        const at = { reason: '', createdAt: new Date().toISOString(), createdBy: 'admin' };
        if (one.kind === 'block') await addBlock(queries, { ...block, ...at });
        else await removeBlock(queries, block);
        if (one.kind === 'block') this.#blocked.add(one.board);
        else this.#blocked.delete(one.board);
        return;
      }
      case 'rotate': {
        const key = signingKeys[one.to];
        if (key) await rig.addPolicy(this.#name, key);
        return;
      }
      case 'permit':
        await addPermit(
          queries,
          { brandId, modelName: this.#name },
          {
            serial: `S-${String(one.serial)}`,
            deviceKeyId: null,
            reason: 'test',
            expiresAt: null,
            by: 'admin',
            at: new Date(),
          },
        );
        return;
      case 'lose':
      case 'find':
        losing = one.kind === 'lose';
        return;
    }
  }

  /** What must hold whatever was done: one device per serial, one serial per device, and a log that tells all. */
  async check(): Promise<void> {
    losing = false;
    const { queries } = rig.database;
    const rows = await queries
      .selectFrom('SerialIntent')
      .selectAll()
      .where('modelName', 'like', `${this.#name}%`)
      .execute();
    const past = await queries
      .selectFrom('SerialHistory')
      .selectAll()
      .where('modelName', 'like', `${this.#name}%`)
      .execute();
    for (const row of rows) expect(row.serialAssertion === null).toBe(row.signedAt === null);
    const logged = [...rows, ...past].flatMap(({ serialAssertion }) =>
      serialAssertion === null ? [] : [Buffer.from(serialAssertion).toString()],
    );
    for (const serials of this.#given.values()) {
      for (const serial of serials) expect(logged).toContain(serial);
    }
    // A device key is given one serial of a model and never another, unless its board was replaced and came back.
    for (const [place, serials] of this.#given) {
      const replaced = past.filter((row) => `${row.modelName}/${row.deviceKeyId}` === place).length;
      expect(serials.size).toBeLessThanOrEqual(1 + replaced);
    }
    for (const row of rows) {
      if (row.serialAssertion === null) continue;
      const serial = decodeAssertion(row.serialAssertion);
      expect(text(serial, 'device-key-sha3-384')).toBe(row.deviceKeyId);
      expect(text(serial, 'serial')).toBe(row.serial);
    }
    for (const key of signingKeys) {
      const { signatures } = await queries
        .selectFrom('SigningKey')
        .select('signatures')
        .where('keyId', '=', key.keyId)
        .executeTakeFirstOrThrow();
      expect(await countSignatures(queries, key.keyId)).toBe(signatures);
    }
    expect(rig.reported).toEqual([]);
  }

  async #ask(index: number): Promise<void> {
    const device = this.#board(index);
    const request = this.#requests.get(index) ?? (await device.serialRequest(await device.requestId()));
    this.#requests.set(index, request);
    await this.#post(index, device, request, [device.model]);
  }

  async #remodel(index: number): Promise<void> {
    const device = this.#board(index);
    const former = device.serial;
    if (former === undefined || this.#next === undefined || text(former, 'model') !== this.#name) return;
    const headers = {
      'brand-id': rig.chain.brandId,
      model: `${this.#name}-next`,
      'request-id': await device.requestId(),
      'device-key': device.signer.publicKey.encoded,
      'original-brand-id': rig.chain.brandId,
      'original-model': this.#name,
      'original-serial': text(former, 'serial'),
    };
    const request = await signAssertion({ type: 'serial-request', headers }, device.signer, new Date());
    const reply = await fetch(`${rig.server.url}/api/v1/snaps/auth/devices`, {
      method: 'POST',
      headers: { 'api-key': 'key' },
      body: Buffer.concat([
        request.bytes,
        Buffer.from('\n'),
        this.#next.bytes,
        Buffer.from('\n'),
        former.bytes,
      ]),
    });
    await reply.arrayBuffer();
    expect([200, 202, 403, 409]).toContain(reply.status);
  }

  async #post(
    index: number,
    device: Device,
    request: Assertion,
    others: readonly Assertion[],
  ): Promise<void> {
    try {
      const outcome = await device.postSerialRequest(request, others);
      if (!outcome.ready) return;
      expect(this.#blocked.has(index), 'a blocked board was given a serial').toBe(false);
      const place = `${text(outcome.serial, 'model')}/${device.signer.publicKey.keyId}`;
      const serials = this.#given.get(place) ?? new Set();
      this.#given.set(place, serials.add(Buffer.from(outcome.serial.bytes).toString()));
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      // In use by the other board, blocked, or replaced: never anything of our own making.
      expect([403, 409], error.reason).toContain(error.status);
    }
  }

  #board(index: number): Device {
    const device = this.#boards[index];
    if (device === undefined) throw new Error('no such board');
    return device;
  }

  #keyId(index: number): string {
    return this.#board(index).signer.publicKey.keyId;
  }
}

describe('any interleaving of asking, replaying, rushing, remodelling, blocking, rotating, replacing and losing', () => {
  it('leaves one serial per device, one device per serial, and a log that tells all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 14 }), async (acts) => {
        const world = new World();
        await world.open();
        for (const one of acts) await world.perform(one);
        await world.check();
      }),
      { numRuns: process.env['AIRLOCK_TEST_FULL'] === '1' ? 300 : 25 },
    );
  });
});
