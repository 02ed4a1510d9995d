import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { printList } from '../lists.ts';
import { operatorClient } from '../operator.ts';

const devicesSchema = z.looseObject({
  devices: z.array(
    z.looseObject({ brandId: z.string(), model: z.string(), serial: z.string(), lastSeenAt: z.string() }),
  ),
});

/** `list-devices`: those that opened a session here, the latest first. */
export function listDevicesCommand(context: CliContext) {
  return new Command('list-devices')
    .description('list the devices that use this store, the latest first')
    .option('--limit <number>', 'at most so many', '1000')
    .option('--json', 'print them as JSON')
    .action(async (options) => {
      if (!/^[1-9]\d{0,5}$/.test(options.limit))
        throw usageError(`cannot list ${options.limit} devices: --limit is a number from 1`);
      const client = await operatorClient(context);
      const path = `/ops/v1/devices?limit=${encodeURIComponent(options.limit)}`;
      const { devices } = await client.request(path, devicesSchema);
      const columns = ['Brand', 'Model', 'Serial', 'Last seen'];
      const cells = (device: (typeof devices)[number]) => [
        device.brandId,
        device.model,
        device.serial,
        device.lastSeenAt,
      ];
      printList(context, { columns, items: devices, cells }, options.json);
    });
}
