/** `npm run demo`: the whole journey of a device on real parts, told and checked. `-- --keep` leaves both hosts up at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configureModel, makeSigningKey } from './demo/admin.ts';
import { foundAuthority } from './demo/authority.ts';
import { exportStore, importStore } from './demo/carry.ts';
import { surviveKill } from './demo/crash.ts';
import { provision, useStore } from './demo/devices.ts';
import { Stage } from './demo/stage.ts';

const keep = process.argv.includes('--keep');
const stage = new Stage(await mkdtemp(join(tmpdir(), 'airlock-demo-')));
let finished = false;
let askedToStop: () => void = () => void leave();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => askedToStop());
try {
  await foundAuthority(stage);
  await exportStore(stage);
  await importStore(stage);
  await makeSigningKey(stage);
  await configureModel(stage);
  const device = await provision(stage);
  await useStore(stage, device);
  await surviveKill(stage);
  finished = true;
} catch (error) {
  stage.narrator.check(
    'the journey goes on to its end',
    false,
    error instanceof Error ? error.stack : String(error),
  );
}
if (!finished) {
  for (const server of stage.servers) {
    const errors = server.output.filter((line) => line.includes('"level":"error"')).slice(-3);
    if (errors.length > 0) stage.narrator.say(`${server.url || 'worker'} logged:\n${errors.join('\n')}`);
  }
}
const well = stage.narrator.close();
if (keep) {
  const running = stage.servers.filter((server) => server.running);
  process.stdout.write(
    `Left running in ${stage.folder}: ${running.map(({ url, pid }) => `${url || 'worker'} (process ${pid})`).join(', ')}\n`,
  );
  process.stdout.write('Press Ctrl-C to stop them.\n');
  await new Promise<void>((resolve) => (askedToStop = resolve));
}
await cleanUp(finished || !keep);
process.exitCode = well && finished ? 0 : 1;

/** Stops what runs, and removes what it left. */
async function cleanUp(everything: boolean): Promise<void> {
  for (const server of stage.servers.toReversed()) await server.stop();
  if (everything) await rm(stage.folder, { recursive: true, force: true });
}

/** Ends the journey where it is, at somebody's wish. */
async function leave(): Promise<never> {
  process.stdout.write('\nInterrupted: stopping the servers.\n');
  await cleanUp(true);
  process.exit(130);
}
