import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { requireFreeBytes } from '../bundles/index.ts';
import { isAirlockError } from '../errors.ts';
import { parseBlobDigest, type BlobStore, type Database } from '../storage/index.ts';
import type { ImportInput, ImportPlan } from '../workflows/import-contract.ts';
import { isRetryable } from './errors.ts';
import { planContent } from './import-commit.ts';
import { allAssertions, type ImportContent } from './import-content.ts';
import { filesOf } from './import-files.ts';
import { awaitedSnaps } from './import-rules.ts';
import { previewContent, previewLoose } from './import-staging.ts';
import { verifySlice } from './import-verify.ts';

/** What planning needs from the host. */
export interface PlanParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: Date;
  /** Tells this run of the workflow from any other: a repeat takes away what an attempt left that was cut off. */
  readonly runId: string;
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
  const { items } = await planContent(input, content, [], parts);
  await mkdir(parts.blobs.stagingFolder, { recursive: true, mode: 0o700 });
  await requireFreeBytes(parts.blobs.stagingFolder, needed);
  return { items, newBytes: needed };
}

/** Verifies what came without a head as a push would, in a folder of its own that names the files and copies none. */
async function planLoose(input: ImportInput, parts: PlanParts) {
  const { blobs, now, database } = parts;
  await mkdir(blobs.stagingFolder, { recursive: true, mode: 0o700 });
  const folder = join(blobs.stagingFolder, `plan-${parts.runId}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    const content = await previewLoose(input, folder, { queries: database.queries, blobs, now });
    await verifySlice(folder, content, { from: 0, to: 1 }, { queries: database.queries, blobs, now });
    const { items } = await planContent(input, content, await allAssertions(folder, content), parts);
    const needed = await newBytes(blobs, content);
    await requireFreeBytes(blobs.stagingFolder, needed);
    return { items, newBytes: needed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The bytes of the files that are not stored yet. */
export async function newBytes(blobs: BlobStore, content: ImportContent): Promise<number> {
  const files = filesOf(content).map(({ digest, size }) => ({ digest: parseBlobDigest(digest), size }));
  const present = await blobs.findAll(files.map(({ digest }) => digest));
  return files.reduce((sum, { digest, size }) => sum + (present.has(digest) ? 0 : size), 0);
}
