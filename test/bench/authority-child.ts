/** The outside host of a benchmark as a process of its own: serves its snaps as devices and online hosts get them. */
import { openHost } from '../workflows/hosts.ts';
import { serveDevices } from '../workflows/served-devices.ts';

const server = await serveDevices(await openHost(process.argv[2] ?? ''));
process.send?.(server.url);
process.once('disconnect', () => process.exit(0));
