/** Batches are found in Temporal UI by the devices that they are of. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporalBatches } from '../../../src/api/device/provisioning/serial-batches.ts';
import type { IntentSubject } from '../../../src/api/device/provisioning/provisioner.ts';
import { connectTemporal } from '../../../src/worker/connection.ts';
import { createNamespace } from '../../../src/worker/namespace.ts';
import { openTestTemporal, withWorkers, type TestTemporal } from '../../support/temporal.ts';

let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const activities = { signSerials: async () => ({ signed: 0, refused: 0 }) };

/** Runs one batch of such devices to its end. */
async function runBatch(of: TestTemporal, subjects: readonly IntentSubject[]): Promise<void> {
  await withWorkers(of, { hsm: activities }, async (client) => {
    const run = temporalBatches({ client, taskQueue: 'hsm' });
    const never = new Promise<void>(() => undefined);
    await run(
      subjects.map(() => randomUUID()),
      never,
      subjects,
    );
  });
}

async function count(of: TestTemporal, query: string): Promise<number> {
  return (await of.client.workflow.count(`WorkflowType = 'provisionSerials' AND ${query}`)).count;
}

const device = (brandId: string, modelName: string, serial: string) => ({ brandId, modelName, serial });

describe('a batch of serials', () => {
  it('is found by the number and the model of each of its devices, and by its brand if there is one', async () => {
    const devices = [device('acme', 'model-a', 'A-1'), device('acme', 'model-b', 'B-1')];
    await runBatch(temporal, devices);
    await expect.poll(() => count(temporal, "Serials = 'B-1'"), { timeout: 30_000 }).toBe(1);
    expect(await count(temporal, "Serials = 'A-1' AND Models = 'acme/model-b'")).toBe(1);
    expect(await count(temporal, "Brand = 'acme'")).toBe(1);
    expect(await count(temporal, "Serials = 'A-2'")).toBe(0);

    await runBatch(temporal, [device('acme', 'model-a', 'C-1'), device('emca', 'model-a', 'C-2')]);
    await expect.poll(() => count(temporal, "Serials = 'C-1'"), { timeout: 30_000 }).toBe(1);
    expect(await count(temporal, "Models = 'emca/model-a'")).toBe(1);
    expect(await count(temporal, "Brand = 'acme'")).toBe(1);
  });

  it('is made though its numbers are longer than Temporal takes: then it is found by the first of them', async () => {
    const long = (index: number) => `L-${String(index)}-`.padEnd(128, 'x');
    await runBatch(
      temporal,
      Array.from({ length: 64 }, (_, index) => device('acme', 'model-l', long(index))),
    );
    await expect.poll(() => count(temporal, `Serials = '${long(0)}'`), { timeout: 30_000 }).toBe(1);
    expect(await count(temporal, `Serials = '${long(63)}'`)).toBe(0);
  });

  it('is made where the administrator of the namespace did not add the attributes', async () => {
    const namespace = `bare-${randomUUID()}`;
    const config = {
      ...temporal.config,
      env: { local: { ...temporal.config.env.local, namespace } },
      searchAttributes: { custom: {} },
    };
    const connected = await connectTemporal(config, temporal.dataConverter);
    await createNamespace(connected.connection, config);
    const bare: TestTemporal = { ...temporal, config, temporal: connected, client: connected.client };
    await runBatch(bare, [device('acme', 'model-a', 'A-1')]);
    await expect.poll(() => count(bare, "ExecutionStatus = 'Completed'"), { timeout: 30_000 }).toBe(1);
    await connected.close();
  });
});
