import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOfFailure, withFailures } from '../../src/activities/errors.ts';
import { createSerialActivities } from '../../src/activities/serials.ts';
import { createSigningKeyActivities } from '../../src/activities/signing-keys.ts';
import { temporalBatches } from '../../src/api/device/provisioning/serial-batches.ts';
import { decodeAssertion, publicKeyOf, text, type Assertion } from '../../src/assertions/index.ts';
import { AirlockError } from '../../src/errors.ts';
import { HsmError } from '../../src/hsm/index.ts';
import { findAssertion } from '../../src/storage/index.ts';
import {
  findSigningKeyByName,
  intentsToSign,
  signatureCounts,
  storeSigned,
} from '../../src/storage/model-service/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import type { createSigningKey } from '../../src/workflows/create-signing-key.ts';
import type { deleteSigningKey } from '../../src/workflows/delete-signing-key.ts';
import type { provisionSerials, sweepSerials } from '../../src/workflows/provision-serials.ts';
import type { registerSigningKey } from '../../src/workflows/register-signing-key.ts';
import { oneToken } from '../support/softhsm-token.ts';
import { openModelService, type TestModelService } from '../support/model-service.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../support/temporal.ts';

let folder: string;
let rig: TestModelService;
let temporal: TestTemporal;
let model: Assertion;
/** What the provisioner of the rig does with a batch; each test sets its own. */
let runBatch: (intents: readonly string[], stored: Promise<void>) => Promise<void>;
const announced: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airlock-workflows-'));
  rig = await openModelService({
    folder,
    provisioner: {
      runBatch: (intents, stored) => runBatch(intents, stored),
      patience: 60_000,
      restartAfter: 100,
    },
  });
  temporal = await openTestTemporal();
  model = await rig.chain.model('model-a');
  await rig.addModel('model-a', { apiKey: 'api-key-of-model-a', key: await rig.addKey('serials') });
});

afterAll(async () => {
  await temporal.close();
  await rig.close();
  await rm(folder, { recursive: true, force: true });
});

/** The activities of the rig's parts, with a part replaced where a test needs it to fail. */
function activities(hsm: TestModelService['hsm'] = rig.hsm) {
  const { database } = rig;
  const clock = () => new Date();
  const announce = (serials: readonly { readonly id: string; readonly serialAssertion: Uint8Array }[]) => {
    announced.push(...serials.map(({ id }) => id));
    rig.provisioner.announce(serials);
  };
  return {
    hsm: withFailures({
      ...createSerialActivities({ database, tokens: oneToken(hsm), clock, log: silentLog(), announce }),
      ...createSigningKeyActivities({
        database,
        tokens: oneToken(hsm),
        clock,
        submit: async (request) => void submitted.push(request),
      }),
    }),
  };
}
const submitted: string[] = [];

/** A device whose request was recorded and not answered. */
async function promisedIntent(): Promise<string> {
  const given = new Promise<string>((resolve) => {
    runBatch = async (intents) => {
      resolve(intents[0] ?? '');
      await new Promise((never) => setTimeout(never, 500));
    };
  });
  const device = await rig.device(model);
  const request = await device.serialRequest(await device.requestId());
  const answer = device.postSerialRequest(request).catch(() => undefined);
  const intent = await given;
  await answer;
  return intent;
}

describe('provisionSerials', () => {
  it('makes the serials of a batch, and a repeat of it changes nothing', async () => {
    const intents = [await promisedIntent(), await promisedIntent()];
    await withWorkers(temporal, activities(), async (client) => {
      const batch = randomUUID();
      const run = (id: string) =>
        client.workflow.execute<typeof provisionSerials>('provisionSerials', {
          workflowId: `provision/${id}`,
          taskQueue: 'hsm',
          args: [{ batch, intents }],
        });
      expect(await run(batch)).toEqual({ signed: 2, refused: 0 });
      expect(await run(`${batch}-again`)).toEqual({ signed: 0, refused: 0 });
    });
  });

  it('serves devices through the provisioner, one after the other and many at once', async () => {
    await withWorkers(temporal, activities(), async (client) => {
      runBatch = temporalBatches({ client, taskQueue: 'hsm', eager: true });
      const devices = await Promise.all(Array.from({ length: 8 }, () => rig.device(model)));
      const serials = await Promise.all(devices.map((device) => device.requestSerial()));
      expect(new Set(serials.map((serial) => text(serial, 'serial'))).size).toBe(8);
    });
  });

  it('waits for an HSM that is away, and signs when it is back', async () => {
    let failures = 5;
    const hsm = {
      ...rig.hsm,
      findKey: rig.hsm.findKey.bind(rig.hsm),
      sign: async (...args: Parameters<TestModelService['hsm']['sign']>) => {
        if (failures-- > 0) throw new HsmError('hsm-unavailable', 'cannot sign: no token');
        return rig.hsm.sign(...args);
      },
    };
    const intents = [await promisedIntent()];
    await withWorkers(temporal, activities(Object.assign(Object.create(rig.hsm), hsm)), async (client) => {
      const outcome = await client.workflow.execute<typeof provisionSerials>('provisionSerials', {
        workflowId: `provision/${randomUUID()}`,
        taskQueue: 'hsm',
        args: [{ batch: 'away', intents }],
      });
      expect(outcome).toEqual({ signed: 1, refused: 0 });
    });
  });

  it('is not lost when its start only seems to fail', async () => {
    await withWorkers(temporal, activities(), async (client) => {
      let starts = 0;
      const workflow = new Proxy(client.workflow, {
        get(target, name) {
          if (name !== 'start') return Reflect.get(target, name, target).bind(target);
          return async (...args: Parameters<typeof target.start>) => {
            starts += 1;
            await target.start(...args);
            if (starts === 1)
              throw new AirlockError('unavailable', 'lost-answer', 'cannot tell: the answer was lost');
          };
        },
      });
      runBatch = temporalBatches({ client: { workflow }, taskQueue: 'hsm' });
      await expect((await rig.device(model)).requestSerial()).resolves.toMatchObject({ type: 'serial' });
      expect(starts).toBe(2);
    });
  });
});

describe('sweepSerials', () => {
  it('keeps promises that nobody kept', async () => {
    const intent = await promisedIntent();
    await rig.database.queries
      .updateTable('SerialIntent')
      .set({ createdAt: new Date(Date.now() - 120_000).toISOString() })
      .where('id', '=', intent)
      .execute();
    await withWorkers(temporal, activities(), async (client) => {
      const outcome = await client.workflow.execute<typeof sweepSerials>('sweepSerials', {
        workflowId: `sweep/${randomUUID()}`,
        taskQueue: 'hsm',
      });
      expect(outcome).toEqual({ signed: 1, refused: 0 });
    });
    expect(announced).toContain(intent);
  });
});

describe('a draft that is given up while it is being signed', () => {
  it('does not become the serial, and its signature is in the history', async () => {
    const id = await promisedIntent();
    const { queries } = rig.database;
    const [stale] = await intentsToSign(queries, [id]);
    if (stale === undefined) throw new Error('the intent is signed already');
    // Another draft of the same second, key and device.
    const next = randomUUID();
    await queries.updateTable('SerialIntent').set({ id: next }).where('id', '=', id).execute();
    const late = (batch: string) =>
      storeSigned(queries, [{ intent: stale, assertion: Buffer.from('stale') }], { batch, at: new Date() });
    // Two workers have it, and bring it one after the other.
    expect((await late('one')).size).toBe(0);
    const counts = await signatureCounts(queries);
    expect((await late('other')).size).toBe(0);
    expect(await signatureCounts(queries)).toEqual(counts);
    const history = await queries
      .selectFrom('SerialHistory')
      .selectAll()
      .where('reason', '=', 'key-changed')
      .execute();
    expect(history.map(({ serial }) => serial)).toEqual([stale.serial]);
    expect(await intentsToSign(queries, [next])).toHaveLength(1);
  });
});

describe('a signing key', () => {
  it('is created once, registered upstream, and deleted from the HSM too', async () => {
    await withWorkers(temporal, activities(), async (client) => {
      const create = () =>
        client.workflow.execute<typeof createSigningKey>('createSigningKey', {
          workflowId: 'signing-key/my-brand/key-one',
          taskQueue: 'hsm',
          args: [{ brandId: rig.chain.brandId, name: 'key-one', actor: 'admin' }],
        });
      const { keyId } = await create();
      expect((await create()).keyId).toBe(keyId);
      const registration = await client.workflow.start<typeof registerSigningKey>('registerSigningKey', {
        workflowId: `register-key/${keyId}`,
        taskQueue: 'hsm',
        args: [{ keyId, actor: 'admin', deliver: 'upstream', lookEverySeconds: 1 }],
      });
      await expect.poll(() => submitted.length, { timeout: 20_000 }).toBe(1);
      const request = decodeAssertion(submitted[0] ?? '');
      await rig.addAssertions([await rig.chain.accountKey(publicKeyOf(request), 'key-one')]);
      // Nobody signals: it looks by itself.
      expect(await registration.result()).toBe('registered');
      const row = await findSigningKeyByName(rig.database.queries, rig.chain.brandId, 'key-one');
      await client.workflow.execute<typeof deleteSigningKey>('deleteSigningKey', {
        workflowId: `delete-key/${keyId}`,
        taskQueue: 'hsm',
        args: [{ keyId, hsmKeyId: row?.hsmKeyId ?? '', actor: 'admin' }],
      });
      expect((await rig.hsm.listKeys()).map(({ id }) => String(id))).not.toContain(row?.hsmKeyId);
      expect(await findAssertion(rig.database.queries, 'account-key', [keyId])).toBeDefined();
    });
  });

  it('is made and deleted in the end, however long the HSM is away, and its registration ends with it', async () => {
    const failures = { make: 5, remove: 3 };
    const away = () => new HsmError('hsm-unavailable', 'cannot reach the HSM: no slot carries the token');
    const hsm: TestModelService['hsm'] = Object.assign(Object.create(rig.hsm), {
      findKey: rig.hsm.findKey.bind(rig.hsm),
      sign: rig.hsm.sign.bind(rig.hsm),
      generateKey: async (...args: Parameters<typeof rig.hsm.generateKey>) => {
        if (failures.make-- > 0) throw away();
        return rig.hsm.generateKey(...args);
      },
      deleteKey: async (...args: Parameters<typeof rig.hsm.deleteKey>) => {
        if (failures.remove-- > 0) throw away();
        return rig.hsm.deleteKey(...args);
      },
    });
    await withWorkers(temporal, activities(hsm), async (client) => {
      const { keyId } = await client.workflow.execute<typeof createSigningKey>('createSigningKey', {
        workflowId: 'signing-key/my-brand/late',
        taskQueue: 'hsm',
        args: [{ brandId: rig.chain.brandId, name: 'late', actor: 'admin' }],
      });
      const registration = await client.workflow.start<typeof registerSigningKey>('registerSigningKey', {
        workflowId: `register-key/${keyId}`,
        taskQueue: 'hsm',
        args: [{ keyId, actor: 'admin', deliver: 'file', lookEverySeconds: 60 }],
      });
      const request = () => findAssertion(rig.database.queries, 'account-key-request', [keyId]);
      await expect.poll(request, { timeout: 20_000 }).toBeDefined();
      const row = await findSigningKeyByName(rig.database.queries, rig.chain.brandId, 'late');
      await client.workflow.execute<typeof deleteSigningKey>('deleteSigningKey', {
        workflowId: `delete-key/${keyId}`,
        taskQueue: 'hsm',
        args: [{ keyId, hsmKeyId: row?.hsmKeyId ?? '', actor: 'admin' }],
      });
      expect((await rig.hsm.listKeys()).map(({ id }) => String(id))).not.toContain(row?.hsmKeyId);
      await expect(registration.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    });
  });

  it('is given up when the HSM declines it again and again', async () => {
    let attempts = 0;
    const hsm: TestModelService['hsm'] = Object.assign(Object.create(rig.hsm), {
      generateKey: async () => {
        attempts += 1;
        throw new HsmError('hsm-refused', 'cannot do this on the token: it answered CKR_DEVICE_MEMORY');
      },
    });
    await withWorkers(temporal, activities(hsm), async (client) => {
      const made = client.workflow.execute<typeof createSigningKey>('createSigningKey', {
        workflowId: 'signing-key/my-brand/declined',
        taskQueue: 'hsm',
        args: [{ brandId: rig.chain.brandId, name: 'declined', actor: 'admin' }],
      });
      const error = await made.then(() => undefined, errorOfFailure);
      expect([error?.code, error?.message]).toEqual([
        'hsm-refused',
        expect.stringContaining('CKR_DEVICE_MEMORY'),
      ]);
      expect(attempts).toBe(5);
    });
  });
});
