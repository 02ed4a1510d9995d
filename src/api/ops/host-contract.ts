import { z } from 'zod';

/** GET /status: what `status` prints, and more. */
export const status = z.object({
  storeUrl: z.string(),
  database: z.enum(['ok', 'read-only', 'unavailable']),
  /** Host name of the PostgreSQL server; null where the database is a file. */
  databaseServer: z.string().nullable(),
  airgap: z.boolean(),
  storeId: z.string().nullable(),
  services: z.array(z.object({ name: z.string(), running: z.boolean(), failure: z.string().nullable() })),
  stores: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      kind: z.string(),
      brandId: z.string().nullable(),
      /** The store that it is a sub-store of. */
      parent: z.string().nullable(),
      /** What it shows of others: all, or as many snaps as are on the list. */
      includes: z.array(z.object({ store: z.string(), snaps: z.union([z.literal('all'), z.number()]) })),
      /** Snaps that are kept in it. */
      snaps: z.number(),
    }),
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
  /** Signing keys of policies in force that are not on their token: the serials of their models wait. */
  missingKeys: z.array(
    z.object({
      brandId: z.string(),
      name: z.string(),
      keyId: z.string(),
      token: z.string(),
      models: z.array(z.string()),
    }),
  ),
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
  /** What HTTPS shows, and when it ends; null without one. */
  certificate: z.object({ subject: z.string(), until: z.string() }).nullable(),
  lastImport: z.object({ at: z.string(), fileName: z.string(), outcome: z.string() }).nullable(),
  lastBackup: z.object({ at: z.string(), verified: z.boolean() }).nullable(),
  temporalUi: z.string().nullable(),
});

/** PATCH /config. */
export const configChange = z.object({
  set: z.record(z.string(), z.string()).default({}),
  unset: z.array(z.string()).default([]),
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
