import { z } from 'zod';

import { ERROR_KINDS } from '../../errors.ts';
import { describedStore } from '../store-words.ts';

/** What the operator's interface answers; the API documents it whole, a command reads what it shows. */

const awaited = z
  .looseObject({ names: z.array(z.string()), more: z.number() })
  .default({ names: [], more: 0 });

/** The result of a push. */
export const importResult = z.looseObject({
  unchanged: z.boolean(),
  snaps: z.array(
    z.looseObject({
      name: z.string(),
      revision: z.number(),
      new: z.boolean(),
      channels: z.array(z.string()),
      channelsMoved: z.boolean(),
    }),
  ),
  stores: z.array(z.string()),
  accountKeys: z.array(z.string()),
  admin: z.looseObject({ accountId: z.string(), email: z.string() }).nullable(),
  exporter: z.string().nullable(),
  exporterPinned: z.boolean(),
  awaited,
});
export type ImportResult = z.infer<typeof importResult>;

/** What a push would change. */
export const importPlan = z.looseObject({
  store: z.string().nullable(),
  exporter: z.string().nullable(),
  alreadyImported: z.boolean(),
  newBytes: z.number(),
  awaited,
  items: z.array(
    z.looseObject({ action: z.string(), kind: z.string(), subject: z.string(), detail: z.string() }),
  ),
  refused: z.looseObject({ kind: z.enum(ERROR_KINDS), code: z.string() }).nullish(),
});

export type ImportPlan = z.infer<typeof importPlan>;

/** The result of an export or a fetch. */
export const exportResult = z.looseObject({
  files: z.array(z.looseObject({ subject: z.string(), path: z.string(), size: z.number() })),
  tokenFile: z.string().nullable(),
  snaps: z.array(
    z.looseObject({ name: z.string(), revision: z.number(), channel: z.string(), architecture: z.string() }),
  ),
  accountKeys: z.array(z.string()),
  warnings: z.array(z.string()),
  dependencies: z.array(z.string()).optional(),
  leftOut: z.looseObject({ files: z.number(), bytes: z.number() }).optional(),
  loginRefreshed: z.string().optional(),
});
export type ExportResult = z.infer<typeof exportResult>;

/** The imported snaps. */
export const pushedSnaps = z.looseObject({
  snaps: z.array(
    z.looseObject({
      name: z.string(),
      stores: z.array(z.string()),
      revisions: z.array(z.looseObject({ revision: z.number(), version: z.string(), size: z.number() })),
    }),
  ),
});

/** What a removal takes away. */
export const removalPlan = z.looseObject({
  applied: z.boolean(),
  items: z.array(z.looseObject({ name: z.string(), revision: z.number(), bytes: z.number() })),
  freedBytes: z.number(),
  keptBytes: z.number(),
  past: z
    .looseObject({
      upToId: z.number(),
      acts: z.number(),
      items: z.array(z.looseObject({ subject: z.string(), bytes: z.number() })),
    })
    .nullable(),
});
export type RemovalPlan = z.infer<typeof removalPlan>;

/** What a roll-back undoes, and what that changes. */
export const rollBackPlan = z.looseObject({
  undone: z.array(
    z.looseObject({ id: z.number(), kind: z.string(), fileName: z.string(), importedAt: z.string() }),
  ),
  items: importPlan.shape.items,
  moreItems: z.number(),
  removedBlobs: z.number(),
});

/** What a move of blobs did. */
export const movedBlobs = z.looseObject({
  files: z.number(),
  bytes: z.number(),
  backend: z.enum(['local', 's3']),
});

/** The state of the host. */
export const status = z.looseObject({
  storeUrl: z.string(),
  database: z.string(),
  airgap: z.boolean(),
  storeId: z.string().nullable(),
  services: z.array(
    z.looseObject({ name: z.string(), running: z.boolean(), failure: z.string().nullable() }),
  ),
  stores: z.array(describedStore.extend({ snaps: z.number() })),
  accountKeys: z.array(
    z.looseObject({
      keyId: z.string(),
      accountId: z.string(),
      name: z.string(),
      since: z.string(),
      until: z.string().nullable(),
    }),
  ),
  devices: z.number(),
  hsm: z.looseObject({ state: z.string(), detail: z.string().nullable() }).nullable(),
  hsmTokens: z.array(z.looseObject({ name: z.string(), state: z.string(), detail: z.string() })),
  missingKeys: z.array(
    z.looseObject({
      brandId: z.string(),
      name: z.string(),
      keyId: z.string(),
      token: z.string(),
      models: z.array(z.string()),
    }),
  ),
  storageFailure: z.string().nullish(),
  signatureDiscrepancies: z.array(
    z.looseObject({ brandId: z.string(), name: z.string(), counted: z.number(), inLog: z.number() }),
  ),
  disk: z.looseObject({ free: z.number(), blobs: z.number() }),
  certificate: z.looseObject({ until: z.string() }).nullish(),
  lastImport: z.looseObject({ at: z.string(), fileName: z.string(), outcome: z.string() }).nullable(),
  lastBackup: z.looseObject({ at: z.string(), verified: z.boolean() }).nullable(),
  temporalUi: z.string().nullable(),
});
export type Status = z.infer<typeof status>;

/** Settings, as they are listed. */
export const configList = z.looseObject({
  settings: z.array(
    z.looseObject({ key: z.string(), value: z.string(), readable: z.boolean().default(true) }),
  ),
});
