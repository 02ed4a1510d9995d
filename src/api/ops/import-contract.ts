import { z } from 'zod';
import { ERROR_KINDS } from '../../errors.ts';
import { name, path } from './contract-fields.ts';

/** What a push may bring. */
const importKinds = ['store', 'snap', 'snap-pair', 'store-metadata', 'account-keys'] as const;

/** POST /imports, and POST /imports/plan, which changes nothing and ends with a plan. */
export const importRequest = z.object({
  kind: z.enum(importKinds),
  /** A file on the server's host: the archive, the metadata, the stream, or the NAME.snap of a pair. */
  path,
  /** The NAME.assert of a pair; beside the snap when absent. */
  assertions: path.optional(),
  /** Channels that a pair is put into, such as latest/stable. */
  channels: z.array(name).max(20).default([]),
  /** Of a single snap: take its channel map over too. */
  pushChannelMap: z.boolean().default(false),
  /** Fingerprint that the exporter's key must have; else the first import pins the key it meets. */
  exporter: z.string().max(64).optional(),
  /** Accept an archive that is older than the newest imported. */
  allowOlder: z.boolean().default(false),
});

/** What one file would change, or did. */
const planItem = z.object({
  action: z.enum(['new', 'updated', 'removed', 'unchanged', 'refused']),
  kind: z.enum(['snap', 'revision', 'channel', 'store', 'assertion', 'account', 'admin', 'exporter']),
  subject: z.string(),
  detail: z.string(),
});

/** Snaps that the file speaks of, and that were not pushed yet: the first hundred, and how many more. */
const awaited = z.object({ names: z.array(z.string()), more: z.number() }).default({ names: [], more: 0 });

/** How POST /imports/plan ends. */
export const importPlan = z.object({
  kind: z.enum(importKinds),
  digest: z.string(),
  store: z.string().nullable(),
  exporter: z.string().nullable(),
  exportedAt: z.string().nullable(),
  /** True when the very file was imported before and nothing changed since. */
  alreadyImported: z.boolean(),
  /** Bytes of blobs that are not stored yet. */
  newBytes: z.number(),
  awaited,
  items: z.array(planItem),
  /** The error that the push would end with; the one item has its sentence. */
  refused: z.object({ kind: z.enum(ERROR_KINDS), code: z.string() }).nullable(),
});

/** Result of an import's workflow. */
export const importResult = z.object({
  kind: z.enum(importKinds),
  digest: z.string(),
  store: z.string().nullable(),
  exporter: z.string().nullable(),
  /** True when everything was there already; nothing was changed. */
  unchanged: z.boolean(),
  /** In the order in which they were pushed: `revision`s that are new or already there. */
  snaps: z.array(
    z.object({
      name: z.string(),
      revision: z.number(),
      new: z.boolean(),
      channels: z.array(z.string()),
      /** Whether any channel of the snap changed. */
      channelsMoved: z.boolean(),
    }),
  ),
  stores: z.array(z.string()),
  /** Ids of the account-keys that were not here before. */
  accountKeys: z.array(z.string()),
  admin: z.object({ accountId: z.string(), email: z.string() }).nullable(),
  /** True when this import pinned the exporter's key. */
  exporterPinned: z.boolean(),
  awaited,
  changes: z.object({ new: z.number(), updated: z.number(), removed: z.number() }),
});

/** GET /imports: pushes, removals and prunes, newest first. */
export const importList = z.object({
  imports: z.array(
    z.object({
      id: z.number(),
      kind: z.string(),
      storeId: z.string().nullable(),
      /** Of a removal what was removed. */
      fileName: z.string(),
      digest: z.string(),
      importedAt: z.string(),
      exportedAt: z.string().nullable(),
      outcome: z.string(),
      /** Whether a roll-back can go back to the state before it. */
      canRollBack: z.boolean(),
    }),
  ),
});

/** POST /imports/roll-back. */
export const rollBackRequest = z.object({
  /** The oldest import or removal to undo, with all that are newer; the newest alone when absent. */
  to: z.number().int().min(1).max(2_147_483_647).optional(),
  dryRun: z.boolean().default(false),
  /** Whether the answer lists what changes; that takes longer, the more there is. */
  changes: z.boolean().default(true),
});

export const rollBack = z.object({
  applied: z.boolean(),
  /** Newest first. */
  undone: z.array(
    z.object({ id: z.number(), kind: z.string(), fileName: z.string(), importedAt: z.string() }),
  ),
  items: z.array(planItem),
  /** Changes beyond those listed. */
  moreItems: z.number(),
  removedBlobs: z.number(),
});
