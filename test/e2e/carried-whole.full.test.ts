import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { openHost } from '../workflows/hosts.ts';
import { contentOf } from '../faults/transfer-crashes.ts';
import { makeAuthority, type CarriedAuthority } from './carried-authority.ts';
import { deviceAnswers } from './device-answers.ts';
import { Seeded } from './seeded.ts';
import { Site } from './site.ts';
import { TornNetwork } from './torn-network.ts';

const GiB = 2 ** 30;
const SNAPS = Number(process.env['AIRLOCK_E2E_SNAPS'] ?? 200);
/** Every byte is written three times in each of two journeys: 20 GiB are for a machine that has an hour and nothing else to do. */
const BYTES = Number(process.env['AIRLOCK_E2E_GIB'] ?? 8) * GiB;
const SEED = Number(process.env['AIRLOCK_E2E_SEED'] ?? 20_261_126);
/** Snaps that are fetched and pushed by one command: their files are on the disk three times for a while. */
const SHARE = 40;
/** Pushes at a time. */
const PUSHERS = 4;
const HOUR = 3_600_000;

/** How a journey is disturbed. */
interface Trouble {
  readonly chance: Seeded;
  /** Kills of the worker, at most, in each command. */
  readonly kills: number;
  /** Cuts of every connection at once, at most, in each fetch; single ones break all the time. */
  readonly cuts: number;
}

/** What a journey ends with. */
interface Arrived {
  readonly content: unknown;
  readonly answers: readonly string[];
  readonly kills: number;
  readonly cuts: number;
}

test(
  `${SNAPS} snaps arrive the same, whatever dies or breaks on the way`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'airlock-carried-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const wanted = BYTES + 3 * Math.ceil((BYTES * SHARE) / SNAPS) + 2 * GiB;
    const disk = await statfs(folder);
    const free = disk.bavail * disk.bsize;
    if (free < wanted)
      throw new Error(
        `cannot carry ${SNAPS} snaps: ${Math.ceil(wanted / GiB)} GiB are needed in ${folder} and ${Math.floor(free / GiB)} GiB are free; make room, or set AIRLOCK_E2E_GIB`,
      );
    const told = stopwatch();
    const authority = await makeAuthority(folder, { snaps: SNAPS, bytes: BYTES }, new Seeded(SEED));
    told('the authority is made');
    const site = await Site.open(authority.data, 'authority');
    await site.work();
    const disturbed = await journey(authority, site, join(folder, 'disturbed'), {
      chance: new Seeded(SEED + 1),
      kills: 2,
      cuts: 3,
    });
    told(`disturbed journey: ${disturbed.kills} kills, ${disturbed.cuts} cuts`);
    const quiet = await journey(authority, site, join(folder, 'quiet'), {
      chance: new Seeded(SEED + 2),
      kills: 0,
      cuts: 0,
    });
    told('undisturbed journey');
    expect(disturbed.kills).toBeGreaterThan(0);
    expect(disturbed.cuts).toBeGreaterThan(0);
    expect(site.kills).toBe(1);
    expect(disturbed.answers).toEqual(quiet.answers);
    expect(disturbed.content).toEqual(quiet.content);
    // What is the same could also be nothing.
    expect(quiet.answers.filter((answer) => / 200 | 206 /.test(answer)).length).toBeGreaterThan(4 * SNAPS);
    expect(quiet.content).toMatchObject({
      blobs: authority.snaps.map(({ digest }) => `${digest} sound`).toSorted(),
    });
  },
  4 * HOUR,
);

/** From the authority over an online host to an isolated one, with the commands of its operator. */
async function journey(
  authority: CarriedAuthority,
  upstream: Site,
  folder: string,
  trouble: Trouble,
): Promise<Arrived> {
  const { chance, kills, cuts } = trouble;
  const network = await TornNetwork.before(upstream.url, chance);
  const online = await Site.open(join(folder, 'online'), 'online');
  const airgap = await Site.open(join(folder, 'airgap'), 'airgap');
  for (const site of [online, airgap]) {
    await site.work();
    await site.run('airlock', 'trust', 'add', authority.root);
  }
  await online.run('snap-store-proxy', 'config', `proxy.upstream=${network.url}`);
  network.tear(cuts > 0);
  const store = 'brand-devices';
  for (let from = 0; from < authority.snaps.length; from += SHARE) {
    const names = authority.snaps.slice(from, from + SHARE).map(({ name }) => name);
    const disk = online.beside(`disk-${from}`);
    const options = ['--auth', authority.viewer, '--store', store, '--export-dir', disk];
    await online.amid(chance, kills, () =>
      network.amid(chance, cuts, () => online.run('snap-store-proxy', 'fetch-snaps', ...names, ...options)),
    );
    const archives = (await readdir(disk)).toSorted().map((name) => join(disk, name));
    expect(archives.length).toBe(names.length);
    await airgap.amid(chance, kills, () => pushAll(airgap, archives));
    await rm(disk, { recursive: true });
  }
  await carryMetadata(authority, { online, airgap }, trouble);
  await carryStore(authority, { upstream, airgap }, join(folder, 'store'), trouble);
  const answers = await deviceAnswers(airgap.url, authority.device, authority.snaps);
  await online.close();
  await airgap.close();
  const host = await openHost(airgap.data);
  const found = await contentOf(host);
  // When a release ended is when it was pushed anew, and that is another moment in each journey.
  const releases = found.releases
    .map((release) => JSON.stringify({ ...release, endedAt: release.endedAt !== null }))
    .toSorted();
  const content = { ...found, releases };
  await host.database.close();
  await rm(folder, { recursive: true });
  return { content, answers, kills: online.kills + airgap.kills, cuts: network.cuts };
}

/** Several operators at a time push a share of the archives each. */
async function pushAll(airgap: Site, archives: readonly string[]): Promise<void> {
  const shares = Array.from({ length: PUSHERS }, (_, lane) =>
    archives.filter((_archive, index) => index % PUSHERS === lane),
  );
  const options = ['push-snaps', '--push-channel-map'];
  await Promise.all(
    shares
      .filter((share) => share.length > 0)
      .map((share) => airgap.run('snap-store-proxy', ...options, ...share)),
  );
}

/** Keys and metadata come last, as what they name must be there. */
async function carryMetadata(
  authority: CarriedAuthority,
  { online, airgap }: { readonly online: Site; readonly airgap: Site },
  { chance, kills }: Trouble,
): Promise<void> {
  const disk = online.beside('disk');
  const folder = ['--export-dir', disk];
  await online.amid(chance, kills, async () => {
    await online.run('snap-store-proxy', 'fetch-account-keys', 'my-brand', ...authority.keys, ...folder);
    const login = ['brand-devices', authority.admin];
    await online.run('snap-store-proxy', 'fetch-brand-store-metadata', ...login, ...folder);
  });
  const files = (await readdir(disk)).map((name) => join(disk, name));
  const file = (end: string) => files.find((name) => name.endsWith(end)) ?? '';
  await airgap.amid(chance, kills, async () => {
    await airgap.run('snap-store-proxy', 'push-account-keys', file('.assert'));
    await airgap.run('snap-store-proxy', 'push-brand-store-metadata', file('.json'));
  });
}

/**
 * The authority's own export, of what is not there yet: its files are, so that this takes no time; who they are for comes along.
 * It is over too soon for its worker to die in it by chance.
 */
async function carryStore(
  authority: CarriedAuthority,
  { upstream, airgap }: { readonly upstream: Site; readonly airgap: Site },
  disk: string,
  { chance, kills }: Trouble,
): Promise<void> {
  const inventory = airgap.beside('inventory.json');
  await airgap.run('snap-store-proxy', 'export-inventory', inventory);
  const options = ['--key', authority.keys.join(','), '--inventory', inventory, '--export-dir', disk];
  const work = () => upstream.run('store-admin', 'export', 'store', 'brand-devices', ...options);
  // The archive is written, and nobody was told: who takes over must write the same one, and no second.
  await (kills > 0 ? upstream.dyingAt('export-after-archive', work) : work());
  const [archive = '', ...others] = (await readdir(disk)).filter((name) => name.endsWith('.tar.gz'));
  expect(others).toEqual([]);
  const path = join(disk, archive);
  // What was there until now came from another machine, whose key is pinned.
  const { exporter } = inspected.parse(JSON.parse(await upstream.run('airlock', 'inspect', path, '--json')));
  await airgap.amid(chance, kills, () =>
    airgap.run('snap-store-proxy', 'push-store', path, '--exporter', exporter),
  );
}

const inspected = z.object({ exporter: z.string() });

/** Tells how long each part took. */
function stopwatch(): (what: string) => void {
  let last = performance.now();
  return (what) => {
    const now = performance.now();
    console.log(`${((now - last) / 1000).toFixed(0)} s: ${what}`);
    last = now;
  };
}
