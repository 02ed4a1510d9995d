import { randomBytes, randomUUID } from 'node:crypto';
import { Provisioner } from '../../src/api/device/provisioning/provisioner.ts';
import { SerialService } from '../../src/api/device/serial-service.ts';
import type { Database } from '../../src/storage/index.ts';
import { signedSerials } from '../../src/storage/model-service/index.ts';
import type { TestModelService } from './model-service.ts';

/** One more host of a Model Service: a service of its own on a connection of its own to the same database. */
export function secondHost(rig: TestModelService, database: Database) {
  const provisioner = new Provisioner({
    runBatch: async (intents) => void (await rig.activities.signSerials({ batch: randomUUID(), intents })),
    lookUp: (intents) => signedSerials(database.queries, intents),
    report: (error) => rig.reported.push(error),
    lookEvery: 10,
  });
  const service = new SerialService({
    database,
    secrets: rig.secrets,
    provisioner,
    clock: () => new Date(),
    random: (bytes) => randomBytes(bytes),
  });
  return { service, close: () => provisioner.close() };
}
