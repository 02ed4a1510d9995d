import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { requireFreeBytes } from '../../bundles/index.ts';
import { isAirlockError } from '../../errors.ts';
import { parseBlobDigest, type BlobStore, type Database } from '../../storage/index.ts';
import type { ImportInput, ImportPlan } from '../../workflows/import-contract.ts';
import { awaitedSnaps } from './unpushed-snaps.ts';
import { isRetryable } from '../errors.ts';
import { claimedStores } from './claims.ts';
import { planContent } from './commit.ts';
import { allAssertions, type ImportContent } from './content.ts';
import { filesOf } from './files.ts';
import { previewContent, previewLoose } from './staging.ts';
import { verifySlice } from './verify.ts';

/** What planning needs from the host. */
export interface PlanParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: Date;
  /** Tells this run of the workflow from any other: a repeat takes away what an attempt left that was cut off. */
  readonly runId: string;
  /** Which attempt of the run this is: one that was given up for lost and goes on has a folder of its own. */
  readonly attempt: number;
  readonly signal?: AbortSignal;
  /** Told the bytes that were read so far. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * What a push would change, or why it would be refused; changes nothing. An archive is judged by its signed head, and by the room
 * that its files need; account-keys and pairs, which have no head, are verified whole.
 *
 * @param known whether the very file was imported before
 */
export async function planOf(input: ImportInput, known: boolean, parts: PlanParts): Promise<ImportPlan> {
  const content = await previewContent(input);
  const base = {
    kind: input.kind,
    digest: input.digest,
    store: content?.store ?? null,
    exporter: content?.exporter?.fingerprint ?? null,
    exportedAt: content?.exportedAt ?? null,
    alreadyImported: false,
    newBytes: content === undefined ? 0 : await newBytes(parts.blobs, content),
    awaited: await awaitedSnaps(parts.database.queries, content),
    refused: null,
  };
  try {
    const found = await (content === undefined
      ? planLoose(input, parts)
      : planHead(input, content, base.newBytes, parts));
    const nothing = found.items.length === 0 && found.newBytes === 0;
    return { ...base, ...found, alreadyImported: known && nothing };
  } catch (error) {
    // A push would wait for what is away, and so does this.
    if (!isAirlockError(error) || isRetryable(error)) throw error;
    const { kind, code, message } = error;
    const subject = content?.store ?? content?.snaps[0]?.name ?? basename(input.path);
    const item = { action: 'refused', kind: 'store', subject, detail: message } as const;
    return { ...base, items: [item], refused: { kind, code } };
  }
}

async function planHead(input: ImportInput, content: ImportContent, needed: number, parts: PlanParts) {
  const { items } = await planContent(input, content, [], parts, await claimedStores(input, content));
  await mkdir(parts.blobs.stagingFolder, { recursive: true, mode: 0o700 });
  await requireFreeBytes(parts.blobs.stagingFolder, needed);
  return { items, newBytes: needed };
}

/** Verifies what came without a head as a push would, in a folder of its own that names the files and copies none. */
async function planLoose(input: ImportInput, parts: PlanParts) {
  const { database, blobs, now, signal, onBytes } = parts;
  const staging = {
    queries: database.queries,
    blobs,
    now,
    ...(signal && { signal }),
    ...(onBytes && { onBytes }),
  };
  const folder = await ownFolder(parts);
  try {
    const content = await previewLoose(input, folder, staging);
    await verifySlice(folder, content, { from: 0, to: 1 }, staging);
    const { items } = await planContent(input, content, await allAssertions(folder, content), parts);
    const needed = await newBytes(blobs, content);
    await requireFreeBytes(blobs.stagingFolder, needed);
    return { items, newBytes: needed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An empty folder for one attempt, in place of what earlier ones of the same run left. */
async function ownFolder({ blobs: { stagingFolder }, runId, attempt }: PlanParts): Promise<string> {
  await mkdir(stagingFolder, { recursive: true, mode: 0o700 });
  const ofRun = `plan-${runId}-`;
  for (const name of await readdir(stagingFolder))
    if (name.startsWith(ofRun)) await rm(join(stagingFolder, name), { recursive: true, force: true });
  const folder = join(stagingFolder, `${ofRun}${attempt}`);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** The bytes of the files that are not stored yet. */
export async function newBytes(blobs: BlobStore, content: ImportContent): Promise<number> {
  const files = filesOf(content).map(({ digest, size }) => ({ digest: parseBlobDigest(digest), size }));
  const present = await blobs.findAll(files.map(({ digest }) => digest));
  return files.reduce((sum, { digest, size }) => sum + (present.has(digest) ? 0 : size), 0);
}
