import { mkdir } from 'node:fs/promises';
import { text } from '../../src/assertions/index.ts';
import { Device, DeviceError } from '../../test/support/device.ts';
import { refusedSerial } from './admin.ts';
import { EXAMPLE, type Stage } from './stage.ts';

/** A device of the brand's model, fresh from the factory. */
export function factoryNew(stage: Stage, proposedSerial: string): Promise<Device> {
  return Device.make({
    store: stage.need('airgap').url,
    headers: { 'api-key': EXAMPLE.apiKey },
    model: stage.need('model'),
    roots: stage.need('root'),
    seed: stage.need('seed'),
    proposedSerial,
  });
}

/** Step 6: a factory-new device gets its serial; everything wrong gets an error of its own. */
export async function provision(stage: Stage): Promise<Device> {
  const { narrator } = stage;
  narrator.step('A factory-new device gets its serial from the HSM');
  const device = await factoryNew(stage, 'A-0001');
  const request = await device.serialRequest(await device.requestId());
  const outcome = await device.postSerialRequest(request);
  const serial = outcome.ready ? outcome.serial : await device.requestSerial();
  narrator.check(
    'its serial is signed by the key on the HSM and verified back to the root',
    text(serial, 'sign-key-sha3-384') === stage.need('serialKeyId') && text(serial, 'serial') === 'A-0001',
  );
  const again = await device.requestSerial();
  narrator.check(
    'asked again with a new request-id, it gets the very same serial',
    Buffer.from(again.bytes).equals(Buffer.from(serial.bytes)),
  );
  await refusedSerial(stage, 'a wrong API key is refused', /API key/i, {
    apiKey: 'wrongwrongwrongwrongwrongwrongwrongwrong',
  });
  await refusedSerial(stage, 'an unknown model is refused', /model|brand/i, { model: 'otherModel' });
  await replayed(stage, text(request, 'request-id'));
  await tampered(stage);
  return device;
}

async function replayed(stage: Stage, requestId: string): Promise<void> {
  const thief = await factoryNew(stage, 'A-0666');
  const error: unknown = await thief
    .postSerialRequest(await thief.serialRequest(requestId))
    .catch((thrown: unknown) => thrown);
  stage.narrator.check(
    "another device with the first one's request-id is refused",
    error instanceof DeviceError && error.status < 500 && /request-id/.test(error.reason),
    String(error),
  );
  if (error instanceof DeviceError) stage.narrator.say(`${error.status}: ${error.reason}`);
}

async function tampered(stage: Stage): Promise<void> {
  const device = await factoryNew(stage, 'A-0667');
  const request = await device.serialRequest(await device.requestId());
  const bytes = Buffer.from(
    Buffer.from(request.bytes).toString('utf8').replace('serial: A-0667', 'serial: A-0001'),
  );
  const error: unknown = await device.postSerialRequest({ bytes }).catch((thrown: unknown) => thrown);
  stage.narrator.check(
    'a request that was changed on its way is refused',
    error instanceof DeviceError && error.status < 500 && /signature/.test(error.reason),
    String(error),
  );
  if (error instanceof DeviceError) stage.narrator.say(`${error.status}: ${error.reason}`);
}

/** Step 7: the device sees its brand's snaps, all of them and nothing else; strangers see none of it. */
export async function useStore(stage: Stage, device: Device): Promise<void> {
  const { narrator } = stage;
  narrator.step("The device opens a session and lives on its brand's snaps");
  await device.openSession();
  narrator.check('a session is granted for its serial', device.session !== undefined);
  const seen = await namesSeen(device);
  narrator.check(
    "info shows exactly its brand's snaps",
    seen.join() === 'acme-agent,core-acme,snapd',
    seen.join(),
  );
  const reply = await device.refresh([
    {
      action: 'install',
      'instance-key': 'install-1',
      name: 'acme-agent',
      channel: 'latest/stable',
      epoch: null,
    },
  ]);
  const snap = reply.results[0]?.snap;
  narrator.check(
    'install by refresh action gives revision 2 of latest/stable',
    snap?.revision === 2,
    JSON.stringify(reply),
  );
  if (snap === undefined) throw new Error('there is nothing to download');
  await mkdir(stage.path('device'), { recursive: true });
  const download = await device.download(
    snap.download,
    stage.path('device', 'acme-agent.snap'),
    20 * 1024 * 1024,
  );
  narrator.check(
    `${(download.size / 1e6).toFixed(0)} MB downloaded with a break in the middle, resumed by Range, digest right`,
    download.statuses.join() === '200,206',
    download.statuses.join(),
  );
  const digest = Buffer.from(snap.download['sha3-384'], 'hex').toString('base64url');
  const revision = await device.trustedAssertion('snap-revision', [digest]);
  narrator.check(
    'its snap-revision chains up to the root',
    revision !== undefined && text(revision, 'snap-revision') === '2',
  );
  await strangers(stage, device, snap.download.url, digest, snap['snap-id']);
}

const EVERY_NAME = ['acme-agent', 'core-acme', 'snapd', 'vendor-tool'] as const;

async function namesSeen(device: Device): Promise<string[]> {
  const seen: string[] = [];
  for (const name of EVERY_NAME) {
    const found = await device.info(name).catch((error: unknown) => {
      if (error instanceof DeviceError && error.status === 404) return undefined;
      throw error;
    });
    if (found) seen.push(name);
  }
  return seen;
}

async function strangers(
  stage: Stage,
  device: Device,
  url: string,
  digest: string,
  snapId: string,
): Promise<void> {
  const { narrator } = stage;
  const common = { store: stage.need('airgap').url, roots: stage.need('root'), keyBits: 2048 };
  const nobody = await Device.make({ ...common, model: device.model, seed: stage.need('seed') });
  const other = await Device.make({
    ...common,
    model: stage.need('otherModel'),
    seed: stage.need('otherSeed'),
  });
  for (const [who, stranger] of [
    ['a client with no session', nobody],
    ['a device of another brand', other],
  ] as const) {
    const leaks: string[] = [];
    const info = await stranger.info('acme-agent').catch(() => undefined);
    if (info) leaks.push('name');
    for (const action of [{ name: 'acme-agent' }, { 'snap-id': snapId, name: 'acme-agent' }]) {
      const reply = await stranger
        .refresh([{ action: 'install', 'instance-key': 'i', epoch: null, ...action }])
        .catch(() => undefined);
      if (reply?.results.some((result) => result.snap !== undefined))
        leaks.push(Object.keys(action).join('+'));
    }
    const fetched = await fetch(url, { headers: stranger.headers() });
    await fetched.body?.cancel();
    if (fetched.ok) leaks.push('download address');
    if (await stranger.assertion('snap-revision', [digest])) leaks.push('digest');
    if (await stranger.assertion('snap-declaration', ['16', snapId])) leaks.push('declaration');
    narrator.check(
      `${who} sees none of it: not by name, id, digest, address or assertion`,
      leaks.length === 0,
      leaks.join(', '),
    );
  }
}
