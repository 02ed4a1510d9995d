/** Two hosts of a transfer for benchmarks, and the steps of export, fetch and import without Temporal. */
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { issueAdminToken } from '../../src/activities/exports/admin-token.ts';
import type { ExportDeps } from '../../src/activities/exports/deps.ts';
import { writeStoreExport } from '../../src/activities/exports/store-export.ts';
import { writeFetched, writeFetchedSnap } from '../../src/activities/fetches/archives.ts';
import { fetchFolder } from '../../src/activities/fetches/client.ts';
import { fetchParts } from '../../src/activities/fetches/plan.ts';
import { resolveAll } from '../../src/activities/fetches/resolving.ts';
import { downloadPlanned } from '../../src/activities/fetches/staging.ts';
import { commitContent } from '../../src/activities/imports/commit.ts';
import { revisionsOf } from '../../src/activities/imports/content.ts';
import { identifyImport, stageImport, stagingFolderOf } from '../../src/activities/imports/staging.ts';
import { verifySlice } from '../../src/activities/imports/verify.ts';
import { TokenOffice } from '../../src/storage/authority/index.ts';
import { giveBack, takeBlock } from '../../src/bundles/file-blocks.ts';
import { addAssertions } from '../../src/storage/index.ts';
import type { StoreExport } from '../../src/workflows/export-contract.ts';
import type { FetchSnapsInput } from '../../src/workflows/fetch-contract.ts';
import { bringFiles } from '../../src/workflows/fetch-lanes.ts';
import type { ImportInput } from '../../src/workflows/import-contract.ts';
import { AT, Outside, openHost, type Host } from '../workflows/hosts.ts';

const MiB = 2 ** 20;
/** As the workflows do it: revisions that are verified together, and downloads at a time. */
const SLICE = 25;

/** An outside host with snaps, and empty hosts that trust its root. */
export interface Stand {
  readonly outside: Outside;
  readonly inside: Host;
  readonly online: Host;
  publish(name: string, bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens the hosts below a folder, and publishes so many snaps of so many bytes that do not compress. */
export async function openStand(
  folder: string,
  what: { readonly count: number; readonly bytes: number },
): Promise<Stand> {
  const make = async (name: string) => {
    await mkdir(join(folder, name), { recursive: true });
    return openHost(join(folder, name));
  };
  const hosts = [await make('outside'), await make('inside'), await make('online')] as const;
  const [outer, inside, online] = hosts;
  const outside = await Outside.on(outer);
  for (const host of [inside, online])
    await addAssertions(host.database.queries, outside.chain.roots, { at: AT, trusted: true });
  const publish = async (name: string, bytes: number) => {
    await outside.publish(
      { name, version: '1', type: 'app', base: 'bare', payload: bytes },
      { store: 'ubuntu', revision: 1, channels: ['latest/stable'] },
    );
    await outside.include(name);
  };
  for (let n = 0; n < what.count; n++) await publish(snapName(n), what.bytes);
  const close = async () => {
    for (const host of hosts) await host.database.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { outside, inside, online, publish, close };
}

/** Name of the n-th snap. */
const snapName = (n: number): string => `snap-${n}`;

const wish: StoreExport = {
  kind: 'store',
  store: 'brand-devices',
  channels: [],
  architectures: [],
  keys: [],
  snaps: true,
  exportDir: null,
  admin: null,
  actor: 'operator',
};

/** Writes the store's archive; every step of an export. */
export async function exportStore(host: Host, at: Date): Promise<string> {
  const { database, blobs, settings, folder } = host;
  const deps: ExportDeps = {
    database,
    blobs,
    settings,
    tokens: new TokenOffice({ database, settings, random: randomBytes }),
    now: () => at,
    exportFolder: join(folder, 'exports'),
    location: 'bench',
  };
  const token = await issueAdminToken(wish, at, deps);
  const { files } = await writeStoreExport(wish, at, token, deps, {});
  return files[0]?.path ?? '';
}

/** What a push of that archive asks for. */
export async function pushOf(path: string): Promise<ImportInput> {
  return {
    kind: 'store',
    path,
    assertions: null,
    channels: [],
    pushChannelMap: false,
    exporter: null,
    allowOlder: false,
    digest: await identifyImport('store', path, null),
    actor: 'bench',
  };
}

/** Every step of an import: unpack, verify to the root, read each snap.yaml, commit. */
export async function importStore(
  host: Host,
  path: string,
  onBytes?: (bytes: number) => void,
): Promise<void> {
  const { database, blobs } = host;
  const { queries } = database;
  const input = await pushOf(path);
  const now = new Date();
  const content = await stageImport(input, { queries, blobs, now, ...(onBytes && { onBytes }) });
  const folder = stagingFolderOf(blobs, input.digest);
  const revisions = revisionsOf(content).length;
  for (let from = 0; from < revisions; from += SLICE)
    await verifySlice(folder, content, { from, to: from + SLICE }, { queries, blobs, now });
  await commitContent(input, folder, content, { database, blobs, now, runId: 'bench' });
  await rm(folder, { recursive: true, force: true });
}

/** Every step of a fetch from an authority in a process of its own: ask, download, verify, write an archive for each snap. */
export async function fetchAll(host: Host, upstream: string, count: number): Promise<void> {
  const { database, blobs, settings, folder } = host;
  await settings.change(new Map([['proxy.upstream', { value: upstream, secret: false }]]), new Date());
  const parts = fetchParts({
    database,
    blobs,
    settings,
    exportFolder: join(folder, 'fetched'),
    now: () => new Date(),
  });
  const input: FetchSnapsInput = {
    fetchId: 'bench',
    names: Array.from({ length: count }, (_, n) => snapName(n)),
    channels: ['latest/stable'],
    architectures: ['amd64'],
    store: null,
    credentials: null,
    exportDir: null,
    actor: 'bench',
  };
  const { signal } = new AbortController();
  const items = await resolveAll(input, parts, signal);
  await bringFiles(items, 0, {
    download: (index) => downloadPlanned(input, index, parts, { signal }),
    write: (snap) => writeFetchedSnap(input, snap, AT, parts, signal),
  });
  await writeFetched(input, AT, parts, { signal });
  await rm(fetchFolder(blobs, input.fetchId), { recursive: true, force: true });
}

/** Serves the outside host in a process of its own while `work` runs. */
export async function served<T>(outside: Host, work: (url: string) => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./authority-child.ts', import.meta.url)), [outside.folder]);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.once('message', (message) => resolve(z.string().parse(message)));
      child.once('exit', () => reject(new Error('cannot measure: the authority ended before it was ready')));
    });
    return await work(url);
  } finally {
    child.disconnect();
  }
}

/**
 * SHA3-384 of a file read from the disk, in MiB a second (what one core can do at best), and its processor time for a MiB. One block is read
 * past the kernel's cache while the other is digested, so that neither what the cache holds nor its upkeep counts.
 */
export async function digestRate(path: string): Promise<{ readonly rate: number; readonly cpuMs: number }> {
  const { size } = await stat(path);
  const file = await open(path, constants.O_RDONLY | (constants.O_DIRECT ?? 0));
  let [block, other] = [takeBlock(), takeBlock()];
  try {
    const { ms, cpuMs } = await timed(async () => {
      const hash = createHash('sha3-384');
      const read = (into: Buffer, position: number) => file.read(into, 0, into.length, position);
      let reading = read(block, 0);
      for (let position = 0; position < size;) {
        const { bytesRead } = await reading;
        position += bytesRead;
        if (position < size) reading = read(other, position);
        hash.update(block.subarray(0, bytesRead));
        [block, other] = [other, block];
      }
      hash.digest();
    });
    return { rate: rateOf(size, ms), cpuMs: cpuMs / (size / MiB) };
  } finally {
    giveBack(block);
    giveBack(other);
    await file.close();
  }
}

/** Writing so many bytes front to back until they are safe on the disk, in MiB a second. */
export async function diskRate(folder: string, bytes: number): Promise<number> {
  const path = join(folder, 'disk-rate');
  const block = randomBytes(MiB);
  const start = performance.now();
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < bytes; written += MiB) await file.write(block);
    await file.datasync();
  } finally {
    await file.close();
  }
  const ms = performance.now() - start;
  await rm(path);
  return rateOf(bytes, ms);
}

/** Bytes in milliseconds as MiB a second. */
export const rateOf = (bytes: number, ms: number): number => (bytes / MiB / ms) * 1000;

/** How long something took, in milliseconds, and the processor time of this process for it. */
export async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number; cpuMs: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const value = await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { value, ms, cpuMs: (user + system) / 1000 };
}
