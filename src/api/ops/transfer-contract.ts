import { z } from 'zod';
import { accountId, architecture, keyId, name, names, path } from './contract-fields.ts';

/** What an export or a fetch rests on: files that are there already do not come along. */
const basis = z.discriminatedUnion('kind', [
  /** A file that export-inventory wrote on the other side. */
  z.object({ kind: z.literal('inventory'), path }),
  /** An archive that was carried there, or a folder of them. */
  z.object({ kind: z.literal('archives'), path }),
  /** What the chosen channels held then was carried there. */
  z.object({ kind: z.literal('time'), at: z.iso.datetime({ precision: 3 }) }),
]);

/** Whether what the snaps need comes along: bases, the snapd snap, default providers, and what those need. */
const withDependencies = z.boolean().default(false);

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
    withDependencies,
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
    withDependencies,
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
  /** Names of the snaps that came along because others need them, where that was wished. */
  dependencies: z.array(z.string()).optional(),
  /** Of one that rests on something: what does not come along. */
  leftOut: z.object({ files: z.number(), bytes: z.number() }).optional(),
  /** Of a fetch whose log-in was refreshed: the single-sign-on server that did it. */
  loginRefreshed: z.string().optional(),
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
    withDependencies,
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
    withDependencies,
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
