import { describe, expect, it, onTestFinished } from 'vitest';
import type { SerialService } from '../../../src/api/device/serial-service.ts';
import { decodeStream, encodeStream, text, type Assertion } from '../../../src/assertions/index.ts';
import { DeviceError } from '../../../src/devices/index.ts';
import { openDatabase } from '../../../src/storage/index.ts';
import type { Device } from '../../support/device.ts';
import { openModelService } from '../../support/model-service.ts';
import { hasPostgreSql, temporaryPostgreSql } from '../../support/postgresql.ts';
import { secondHost } from '../../support/second-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe.skipIf(!hasPostgreSql)('two hosts on one PostgreSQL', () => {
  it('give each device one serial and each serial one device, however their requests meet', async () => {
    const postgresql = await temporaryPostgreSql();
    const rig = await openModelService({
      folder: await temporaryFolder(),
      smallKeys: 1,
      database: { postgresql },
    });
    onTestFinished(() => rig.close());
    const database = await openDatabase({ postgresql });
    onTestFinished(() => database.close());
    const other = secondHost(rig, database);
    onTestFinished(other.close);
    const hosts = [rig.service, other.service];
    const model = await rig.chain.model('model-a');
    await rig.addModel('model-a', { apiKey: 'api-key', key: await rig.addKey('serials') });

    const ask = async (host: SerialService | undefined, device: Device): Promise<string> => {
      const request: Assertion = await device.serialRequest(host?.requestId() ?? '');
      const stream = encodeStream([request, model]);
      try {
        const answer = await host?.serial({
          stream,
          apiKey: 'api-key',
          claimCode: undefined,
          address: undefined,
        });
        const [serial] = decodeStream(answer ?? new Uint8Array());
        return serial === undefined
          ? 'wait'
          : `${text(serial, 'serial')} ${serial.signKeyId} ${String(serial.bytes.length)}`;
      } catch (error) {
        if (error instanceof DeviceError) return error.code;
        throw error;
      }
    };

    // Each device asks both hosts at once: one serial.
    const devices = await Promise.all(Array.from({ length: 8 }, () => rig.device(model)));
    const twice = await Promise.all(
      devices.map((device) => Promise.all(hosts.map((host) => ask(host, device)))),
    );
    for (const [one, other] of twice) expect(one).toBe(other);
    expect(new Set(twice.flat()).size).toBe(8);

    // Two devices claim the same serial, each at another host: one gets it.
    for (const proposedSerial of ['P-1', 'P-2', 'P-3']) {
      const twins = [
        await rig.device(model, { proposedSerial }),
        await rig.device(model, { proposedSerial }),
      ];
      const outcomes = await Promise.all(twins.map((device, index) => ask(hosts[index], device)));
      expect(outcomes.filter((outcome) => outcome === 'serial-in-use')).toHaveLength(1);
    }
    expect(rig.reported).toEqual([]);
  });
});
