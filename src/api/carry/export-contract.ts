import { z } from 'zod';
import { architecture, keyId, name, names } from '../ops/contract-fields.ts';
import { operation } from '../ops/operation-contract.ts';
import { exportResult } from '../ops/transfer-contract.ts';

const common = {
  /** `latest/stable` and the like; all channels when empty. */
  channels: z.array(name).max(50).default([]),
  architectures: z.array(architecture).max(20).default([]),
  /** What the other side has. No file of this host: an account names none. */
  basis: z
    .discriminatedUnion('kind', [
      /** What the chosen channels held then was carried there. */
      z.strictObject({ kind: z.literal('time'), at: z.iso.datetime({ precision: 3 }) }),
      /** What export-inventory wrote there. */
      z.strictObject({ kind: z.literal('inventory'), content: z.string() }),
    ])
    .optional(),
  withDependencies: z.boolean().default(false),
};

/** POST /carry/v1/exports/STORE. Answer: accountExportStarted. Neither folders nor who the admin token is for can be named. */
export const accountExportRequest = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('store'),
    ...common,
    /** Account-keys of the brand to add, by SHA3-384. */
    keys: z.array(keyId).max(100).default([]),
    snaps: z.boolean().default(true),
  }),
  z.strictObject({
    kind: z.literal('snaps'),
    ...common,
    names: names.default([]),
    /** Exact revisions that a channel has held, as `--from-yaml` lists them. */
    packages: z
      .array(z.object({ name, revision: z.number().int(), push_channel: name.optional() }))
      .max(20_000)
      .default([]),
  }),
]);

/** See {@link accountExportRequest}. */
export type AccountExportRequest = z.output<typeof accountExportRequest>;

/** What starts or joins an export answers. */
export const accountExportStarted = z.object({
  id: z.string(),
  /** Whether the same log-in had asked for the same before, and never fetched it. */
  joined: z.boolean(),
  startedAt: z.string(),
});

/** GET /carry/v1/exports/STORE/ID: as `GET /operations/ID` answers; files are named, and have no path here. */
export const accountExport = operation.omit({ type: true, ui: true, result: true }).extend({
  result: exportResult
    .extend({ files: z.array(z.object({ subject: z.string(), name: z.string(), size: z.number() })) })
    .nullable(),
});
