import { copyFile, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../test/support/programs.ts';
import { EXAMPLE, shown, type Stage } from './stage.ts';

/** Step 2: the store travels in one archive, with the token of its admin beside it. */
export async function exportStore(stage: Stage): Promise<void> {
  const { narrator } = stage;
  narrator.step('The store is exported: one archive, one admin token');
  const outcome = await command(
    'store-admin',
    [
      'export',
      'store',
      EXAMPLE.deviceView,
      '--channel',
      'stable,edge',
      '--key',
      stage.need('modelKeyId'),
      '--export-dir',
      stage.path('disk'),
    ],
    { env: { AIRLOCK_DATA: stage.authorityData, AIRLOCK_HOME: stage.path('authority-home') } },
  );
  const archive = /^Store data exported to: (.+)$/m.exec(outcome.stdout)?.[1];
  const tokenFile = /^Admin token exported to: (.+)$/m.exec(outcome.stdout)?.[1];
  narrator.check(
    'the export says where archive and token are',
    archive !== undefined && tokenFile !== undefined,
    shown(outcome),
  );
  if (archive === undefined || tokenFile === undefined) throw new Error('there is no archive to go on with');
  stage.props.archive = archive;
  stage.props.tokenFile = tokenFile;
  narrator.say(outcome.stdout);
}

/** Step 3: an air-gapped host trusts the root by command, refuses what is not genuine, and takes the rest in at once. */
export async function importStore(stage: Stage): Promise<void> {
  const { narrator } = stage;
  narrator.step('An air-gapped host verifies the archive whole, and then shows all of it at once');
  const server = await stage.serve(airgapArguments(stage));
  stage.props.airgap = server;
  narrator.say(`API ${server.url} · ${server.output.find((line) => line.includes('Temporal UI')) ?? ''}`);
  const archive = stage.need('archive');

  const untrusted = await stage.operator('snap-store-proxy', 'push-store', archive);
  narrator.check('an archive of an unknown root is refused', untrusted.status !== 0, shown(untrusted));
  const trusted = await stage.operator('airlock', 'trust', 'add', stage.path('root.assert'));
  narrator.check('the root is trusted by an explicit command', trusted.status === 0, shown(trusted));

  await refuses(stage, 'one flipped byte in a snap', await flipped(stage, archive), /acme-agent_\d+\.snap/);
  await refuses(
    stage,
    'a foreign signature on an assertion',
    await foreignlySigned(stage, archive),
    /\.assert|keys|assertion/,
  );
  const before = await stage.operator('snap-store-proxy', 'list-pushed-snaps');
  narrator.check(
    'what was refused left nothing behind',
    !before.stdout.includes('acme-agent') && (await blobsOf(stage)) === 0,
    shown(before),
  );

  const pushed = await stage.operator('snap-store-proxy', 'push-store', archive);
  narrator.check(
    'the archive is pushed',
    pushed.status === 0 && pushed.stdout.includes(`Pushing store ${EXAMPLE.deviceView}`),
    shown(pushed),
  );
  narrator.say(pushed.stdout);
  const listed = await stage.operator('snap-store-proxy', 'list-pushed-snaps');
  narrator.check(
    'its snaps are there',
    ['acme-agent', 'core-acme', 'snapd'].every((name) => listed.stdout.includes(name)),
    shown(listed),
  );
  const again = await stage.operator('snap-store-proxy', 'push-store', archive);
  narrator.check(
    'pushing it again changes nothing and says so',
    again.status === 0 && /already|nothing/i.test(again.stdout + again.stderr),
    shown(again),
  );
}

/** How the air-gapped host is started; the demo stops it once and starts it again at the same address. */
export function airgapArguments(stage: Stage, ...more: string[]): string[] {
  const port = stage.props.airgap ? new URL(stage.props.airgap.url).port : '0';
  const addresses = ['--port', port, '--temporal-port', '0', '--temporal-ui-port', '0'];
  return ['up', '--role', 'airgap', '--data', stage.airgapData, ...addresses, ...more];
}

async function refuses(stage: Stage, what: string, file: string, member: RegExp): Promise<void> {
  const outcome = await stage.operator('snap-store-proxy', 'push-store', file);
  const named = member.test(outcome.stderr);
  stage.narrator.check(
    `a copy with ${what} is refused, and the member named`,
    outcome.status !== 0 && named,
    shown(outcome),
  );
  if (outcome.status !== 0) stage.narrator.say(outcome.stderr);
}

/** A copy whose large snap differs in one byte, in the middle of the archive. */
async function flipped(stage: Stage, archive: string): Promise<string> {
  const copy = join(stage.path('disk'), 'flipped.tar.gz');
  await copyFile(archive, copy);
  const file = await open(copy, 'r+');
  try {
    const { size } = await file.stat();
    const byte = Buffer.alloc(1);
    const at = Math.floor(size / 2);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  } finally {
    await file.close();
  }
  return copy;
}

/** A copy in which the signature of one assertion was replaced by one that another key made. */
async function foreignlySigned(stage: Stage, archive: string): Promise<string> {
  const { forgeArchive } = await import('./forgery.ts');
  const copy = join(stage.path('disk'), 'forged.tar.gz');
  await writeFile(copy, await forgeArchive(await readFile(archive), stage.need('otherSigner')));
  return copy;
}

async function blobsOf(stage: Stage): Promise<number> {
  const shelves = await readdir(join(stage.airgapData, 'blobs'), { recursive: true });
  return shelves.filter((name) => /[0-9a-f]{96}$/.test(name)).length;
}
