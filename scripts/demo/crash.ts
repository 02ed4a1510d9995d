import { text } from '../../src/assertions/index.ts';
import { airgapArguments } from './carry.ts';
import { factoryNew } from './devices.ts';
import type { Stage } from './stage.ts';

/** Step 8: the worker is killed between the signature and its record, and another takes over: one serial, once. */
export async function surviveKill(stage: Stage): Promise<void> {
  const { narrator } = stage;
  narrator.step('The worker is killed while a serial is being made');
  await stage.need('airgap').stop();
  stage.props.airgap = await stage.serve(airgapArguments(stage, '--no-worker'));
  const worker = ['worker', '--data', stage.airgapData];
  const doomed = await stage.serve(worker, { AIRLOCK_CRASH_POINT: 'serials-after-sign' });
  const device = await factoryNew(stage, 'A-0008');
  const asked = device.requestSerial();
  const how = await doomed.ended();
  narrator.check('the worker died by SIGKILL right after the signature', how === 'SIGKILL', String(how));
  await stage.serve(worker);
  const serial = await asked;
  narrator.check('with another worker the same request gets its serial', text(serial, 'serial') === 'A-0008');
  const log = await stage.admin(['list', 'serials', text(serial, 'model'), '--serial', 'A-0008', '--json']);
  const entries = log.stdout.match(/"serial": "A-0008"/g) ?? [];
  narrator.check('the log has it once', entries.length === 1, log.stdout || log.stderr);
}
