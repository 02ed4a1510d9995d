/** What `serials.batches` of temporal.yaml says is what the API of an appliance does, on a real Temporal server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFoundation } from '../../src/appliance/foundation.ts';
import { createHttpApps } from '../../src/appliance/http.ts';
import { openTemporal } from '../../src/appliance/temporal.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { openTestTemporal } from '../support/temporal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The apps of an appliance with this temporal.yaml, in a namespace where nobody works. */
async function appliance(yaml: string) {
  const folder = await temporaryFolder();
  const file = join(folder, 'temporal.yaml');
  await writeFile(file, yaml);
  const test = await openTestTemporal();
  onTestFinished(() => test.close());
  const { address, namespace } = test.config.env.local;
  const env = {
    AIRLOCK_TEMPORAL_CONFIG: file,
    AIRLOCK_TEMPORAL_ADDRESS: address,
    AIRLOCK_TEMPORAL_NAMESPACE: namespace,
  };
  const foundation = await openFoundation({ data: join(folder, 'data'), env, log: silentLog() });
  onTestFinished(() => foundation.database.close());
  const temporal = await openTemporal(foundation, { embedded: false });
  onTestFinished(() => temporal.connection.close());
  const status = { hsm: () => [], url: () => '' };
  const { provisioner } = await createHttpApps(foundation, temporal, {
    role: 'airgap',
    worksHere: false,
    status,
  });
  onTestFinished(() => provisioner.close());
  const { workflow } = temporal.connection.client;
  return {
    provisioner,
    /** How many serials each batch that was started has. */
    async batches(): Promise<number[]> {
      const sizes: number[] = [];
      for await (const { typedSearchAttributes } of workflow.list({
        query: 'WorkflowType = "provisionSerials"',
      })) {
        const serials = typedSearchAttributes.getAll().find(({ key }) => key.name === 'Serials')?.value;
        sizes.push(Array.isArray(serials) ? serials.length : 0);
      }
      return sizes.toSorted();
    },
  };
}

test('lanes, size and waiting devices are those of the file', { timeout: 60_000 }, async () => {
  const { provisioner, batches } = await appliance(
    'serials: { batches: { lanes: 2, size: 3, waiting: 8 } }\n',
  );
  const ask = (serial: string) =>
    provisioner.obtain(`intent-${serial}`, 'default', { brandId: 'acme', modelName: 'model-a', serial });
  const waiting = Array.from({ length: 8 }, (_, index) => ask(`S-${String(index)}`));
  expect(provisioner.load).toBe(8);
  expect(() => provisioner.checkCapacity('default')).toThrow('too many devices wait for their serials');
  expect(() => provisioner.checkCapacity('default', 'intent-S-0')).not.toThrow();
  // Nobody works, so that both lanes stay busy and the others wait.
  await expect.poll(batches, { timeout: 30_000, interval: 200 }).toHaveLength(2);
  expect(Math.max(...(await batches()))).toBe(3);
  provisioner.close();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => undefined));
});
