import { z } from 'zod';
import { ERROR_KINDS } from '../../errors.ts';
import { ARCHITECTURES } from '../../snaps/index.ts';

/**
 * The operator's interface as data: bodies and answers of `/ops/v1`. Every request carries
 * `Authorization: Bearer TOKEN` with the operator token of the data folder; every refusal is
 * `{"error-list": [{"code", "message"}]}`. Whatever takes long is a workflow: the answer is 202 with its id, and
 * `GET /ops/v1/operations/ID?wait=SECONDS` tells how it goes and, at last, how it ended.
 */
const path = z.string().min(1).max(4096);
const name = z.string().min(1).max(128);
/** One that snaps are made for: a wrong one would silently leave everything out. */
const architecture = z.enum(ARCHITECTURES, {
  error: `is unknown: it is one of ${ARCHITECTURES.join(', ')}`,
});
const names = z.array(name).max(20_000);
const accountId = z.string().regex(/^[-A-Za-z0-9_]{1,64}$/, 'it is the id of an account');
/** SHA3-384 of a public key, base64url: 48 bytes. */
const keyId = z.string().regex(/^[\w-]{64}$/, 'it is the SHA3-384 of a key, 64 characters long');

/** What a push may bring. */
export const importKinds = ['store', 'snap', 'snap-pair', 'store-metadata', 'account-keys'] as const;

/** POST /imports, and POST /imports/plan, which changes nothing and answers with a plan. */
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

/** Answer of everything that starts a workflow. */
export const started = z.object({
  workflowId: z.string(),
  /** Page of the running workflow in Temporal UI; null when there is none. */
  ui: z.string().nullable(),
});

/** What one file would change, or did. */
export const planItem = z.object({
  action: z.enum(['new', 'updated', 'removed', 'unchanged', 'refused']),
  kind: z.enum(['snap', 'revision', 'channel', 'store', 'assertion', 'account', 'admin', 'exporter']),
  subject: z.string(),
  detail: z.string(),
});

/** Snaps that the file speaks of, and that were not pushed yet: the first hundred, and how many more. */
const awaited = z.object({ names: z.array(z.string()), more: z.number() }).default({ names: [], more: 0 });

/** POST /imports/plan. */
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
  /** Ids of the account-keys that came with it. */
  accountKeys: z.array(z.string()),
  admin: z.object({ accountId: z.string(), email: z.string() }).nullable(),
  /** True when this import pinned the exporter's key. */
  exporterPinned: z.boolean(),
  awaited,
  changes: z.object({ new: z.number(), updated: z.number(), removed: z.number() }),
});

/** What an export or a fetch rests on: files that are there already do not come along. */
const basis = z.discriminatedUnion('kind', [
  /** A file that export-inventory wrote on the other side. */
  z.object({ kind: z.literal('inventory'), path }),
  /** An archive that was carried there, or a folder of them. */
  z.object({ kind: z.literal('archives'), path }),
  /** What the chosen channels held then was carried there. */
  z.object({ kind: z.literal('time'), at: z.iso.datetime({ precision: 3 }) }),
]);
export type BasisRequest = z.output<typeof basis>;

/** POST /exports. Answer: started; result: exportResult. */
export const exportRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('store'),
    store: name,
    /** `latest/stable` and the like; all channels when empty. */
    channels: z.array(name).max(50).default([]),
    architectures: z.array(architecture).max(20).default([]),
    /** Account-keys to add, by SHA3-384: those that sign models. */
    keys: z.array(name).max(100).default([]),
    snaps: z.boolean().default(true),
    /** Folder on the server's host; the data folder's `exports` when absent. */
    exportDir: path.optional(),
    /** Account that the admin token is for; the store's first admin when absent. */
    admin: name.optional(),
    /** Other brands whose stores may include a store of the export, beside those that its definition names. */
    shareWith: z
      .array(z.object({ store: name, brands: z.array(accountId).min(1).max(1000) }))
      .max(100)
      .default([]),
    basis: basis.optional(),
  }),
  z.object({
    kind: z.literal('snaps'),
    names: names.default([]),
    /** Exact revisions, as `--from-yaml` lists them. */
    packages: z
      .array(z.object({ name, revision: z.number().int(), push_channel: name.optional() }))
      .default([]),
    channels: z.array(name).max(50).default([]),
    architectures: z.array(architecture).max(20).default([]),
    store: name.optional(),
    exportDir: path.optional(),
    basis: basis.optional(),
  }),
]);

/** Result of an export's workflow. */
export const exportResult = z.object({
  files: z.array(z.object({ subject: z.string(), path: z.string(), size: z.number() })),
  /** The admin token beside a store's archive. */
  tokenFile: z.string().nullable(),
  snaps: z.array(
    z.object({ name: z.string(), revision: z.number(), channel: z.string(), architecture: z.string() }),
  ),
  accountKeys: z.array(z.string()),
  /** Sentences about what devices will miss: a base, the snapd snap, a default provider. */
  warnings: z.array(z.string()),
  /** Of one that rests on something: what does not come along. */
  leftOut: z.object({ files: z.number(), bytes: z.number() }).optional(),
});

/** POST /fetches: the online role. `credentials` is the content of a login file; it is sealed at once and never shown. */
export const fetchRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('snaps'),
    /** All of the store when empty. */
    names,
    channels: z.array(name).max(50).default(['latest/stable']),
    architectures: z.array(architecture).max(20).default(['amd64']),
    store: name.optional(),
    credentials: z.string().max(65_536).optional(),
    exportDir: path.optional(),
    basis: basis.optional(),
  }),
  /** A store of an authority as one archive, as "store-admin export store" makes it there; the login needs both permissions. */
  z.object({
    kind: z.literal('store'),
    store: name,
    credentials: z.string().max(65_536),
    channels: z.array(name).max(50).default(['latest/stable']),
    architectures: z.array(architecture).max(20).default(['amd64']),
    keys: z.array(keyId).max(100).default([]),
    snaps: z.boolean().default(true),
    exportDir: path.optional(),
    basis: basis.optional(),
  }),
  z.object({
    kind: z.literal('store-metadata'),
    store: name,
    credentials: z.string().max(65_536),
    exportDir: path.optional(),
  }),
  z.object({
    kind: z.literal('account-keys'),
    account: name,
    keys: z.array(keyId).min(1).max(100),
    exportDir: path.optional(),
  }),
]);

/** GET /operations/ID. */
export const operation = z.object({
  workflowId: z.string(),
  type: z.string(),
  status: z.enum(['running', 'completed', 'failed', 'cancelled']),
  startedAt: z.string(),
  ui: z.string().nullable(),
  progress: z
    .object({
      /** What is being done, in a few words. */
      step: z.string(),
      done: z.number(),
      total: z.number(),
      unit: z.enum(['bytes', 'snaps', 'steps']),
    })
    .nullable(),
  /** Why a running one does not get on: a part is away, and the step is tried again. */
  waiting: z.object({ code: z.string(), message: z.string(), attempt: z.number() }).nullable(),
  /** importResult, exportResult, … once completed. */
  result: z.unknown(),
  error: z.object({ kind: z.enum(ERROR_KINDS), code: z.string(), message: z.string() }).nullable(),
});

/** GET /pushed-snaps. */
export const pushedSnaps = z.object({
  snaps: z.array(
    z.object({
      name: z.string(),
      snapId: z.string(),
      /** The store that it is kept in, then those whose devices see it. */
      stores: z.array(z.string()),
      revisions: z.array(z.object({ revision: z.number(), version: z.string(), size: z.number() })),
      channels: z.array(
        z.object({ channel: z.string(), architecture: z.string(), revision: z.number().nullable() }),
      ),
    }),
  ),
});

/** DELETE /pushed-snaps/NAME?dryRun=true and POST /prune {dryRun}. */
export const removalPlan = z.object({
  applied: z.boolean(),
  items: z.array(z.object({ name: z.string(), revision: z.number(), bytes: z.number() })),
  freedBytes: z.number(),
  /** Bytes of files that stay, so that a roll-back can bring them back; a prune frees them. */
  keptBytes: z.number(),
  /** What a prune ends: imports and removals up to this one can no longer be rolled back. */
  past: z
    .object({
      upToId: z.number(),
      acts: z.number(),
      /** Files that were kept for them alone. */
      items: z.array(z.object({ subject: z.string(), bytes: z.number() })),
    })
    .nullable(),
});

/** GET /trust/roots; POST takes an assertion stream as `application/x.ubuntu.assertion`. */
export const trustRoots = z.object({
  roots: z.array(
    z.object({
      accountId: z.string(),
      keyId: z.string(),
      name: z.string(),
      since: z.string(),
      until: z.string().nullable(),
    }),
  ),
  /** Of a POST: how many were not trusted before. */
  added: z.number().default(0),
});

/** GET /status: what `status` prints, and more. */
export const status = z.object({
  storeUrl: z.string(),
  database: z.enum(['ok', 'unavailable']),
  airgap: z.boolean(),
  storeId: z.string().nullable(),
  services: z.array(z.object({ name: z.string(), running: z.boolean(), failure: z.string().nullable() })),
  stores: z.array(
    z.object({ id: z.string(), name: z.string(), brandId: z.string().nullable(), snaps: z.number() }),
  ),
  accountKeys: z.array(
    z.object({
      keyId: z.string(),
      accountId: z.string(),
      name: z.string(),
      since: z.string(),
      until: z.string().nullable(),
    }),
  ),
  devices: z.number(),
  /** The token that keys are made on unless another is named. */
  hsm: z.object({ state: z.string(), detail: z.string().nullable() }).nullable(),
  /** Every HSM token, and what it waits for; empty where another process has them. */
  hsmTokens: z.array(z.object({ name: z.string(), state: z.string(), detail: z.string() })),
  /** What stands in the way of the folder or bucket with the files of snaps; null when nothing does. */
  storageFailure: z.string().nullable(),
  /** Signing keys whose count of signatures is not that of the serial log: none, unless somebody changed one of the two. */
  signatureDiscrepancies: z.array(
    z.object({
      brandId: z.string(),
      name: z.string(),
      keyId: z.string(),
      counted: z.number(),
      inLog: z.number(),
    }),
  ),
  disk: z.object({ free: z.number(), blobs: z.number() }),
  lastImport: z.object({ at: z.string(), fileName: z.string(), outcome: z.string() }).nullable(),
  lastBackup: z.object({ at: z.string(), verified: z.boolean() }).nullable(),
  temporalUi: z.string().nullable(),
});

/** GET /config (secrets redacted) and GET /config/KEY (also a secret). PATCH takes {set: {KEY: VALUE}, unset: [KEY]}. */
export const configList = z.object({
  settings: z.array(
    z.object({
      key: z.string(),
      value: z.string(),
      /** False for what is never shown: a PIN. */
      readable: z.boolean(),
    }),
  ),
});
export const configChange = z.object({
  set: z.record(z.string(), z.string()).default({}),
  unset: z.array(z.string()).default([]),
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

/** POST /overrides; null takes the override away. GET /overrides?snap=NAME lists them. */
export const overrideChange = z
  .object({
    snap: name,
    channel: name,
    revision: z.number().int().min(1).nullable(),
    /** Of an online host, for a snap that the upstream does not show to everybody: a login file's content, and the snap's store. */
    credentials: z.string().max(65_536).optional(),
    store: name.optional(),
  })
  .refine(({ credentials, store }) => (credentials === undefined) === (store === undefined), {
    message: 'credentials and store go together',
  });

/** Answer of POST /overrides: one place for each architecture. */
export const overrideAnswer = z.object({
  snapName: z.string(),
  channel: z.string(),
  places: z.array(
    z.object({
      architecture: z.string(),
      revision: z.number().nullable(),
      upstreamRevision: z.number().nullable(),
    }),
  ),
});

/** GET /overrides. */
export const overrideList = z.object({
  overrides: z.array(
    z.object({
      snapId: z.string().nullable(),
      snapName: z.string(),
      channel: z.string(),
      architecture: z.string(),
      revision: z.number(),
      upstreamRevision: z.number().nullable(),
    }),
  ),
});

/** GET /devices?limit=N: those that opened a session here, the latest first. */
export const deviceList = z.object({
  devices: z.array(
    z.object({
      brandId: z.string(),
      model: z.string(),
      serial: z.string(),
      store: z.string().nullable(),
      userAgent: z.string().nullable(),
      firstSeenAt: z.string(),
      lastSeenAt: z.string(),
    }),
  ),
});

/** GET /acts?limit&before&act&actor&subject&since&until: the log of who did what, the newest first. */
export const actList = z.object({
  acts: z.array(
    z.object({
      id: z.number(),
      at: z.string(),
      actor: z.string(),
      act: z.string(),
      subject: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  ),
  /** `before` of the following page; null on the last. */
  next: z.number().nullable(),
});
