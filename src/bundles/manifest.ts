import { z } from 'zod';
import {
  channelName,
  DESCRIPTION_MAX,
  isPlainText,
  isSnapName,
  NOT_PLAIN,
  parseChannel,
  REVISION_MAX,
} from '../snaps/index.ts';

/** A SHA3-384 digest in lower-case hexadecimal, as blobs are named. */
export const digestSchema = z.string().regex(/^[0-9a-f]{96}$/, 'a SHA3-384 digest in hexadecimal');

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** A moment in UTC as `Date.toISOString()` writes it, so that text order is time order. */
const moment = z.iso.datetime({ precision: 3 });
const revision = count.min(1).max(REVISION_MAX);
const text = (longest: number) => z.string().max(longest).refine(isPlainText, NOT_PLAIN);
/** Store, account and snap ids, as the assertions write them. */
const id = z.string().regex(/^[-A-Za-z0-9_]{1,64}$/, 'an id of letters, digits, hyphens and underscores');
const snapName = z.string().refine(isSnapName, 'a snap name');
const channel = z
  .string()
  .max(200)
  .refine(isFullChannel, 'a channel with track and risk, such as latest/stable');
const architecture = z.string().regex(/^[a-z0-9]{1,16}$/, 'an architecture');

const memberSchema = z.strictObject({
  name: text(200),
  size: count,
  digest: digestSchema,
});

const revisionSchema = z.strictObject({
  revision,
  version: text(64),
  digest: digestSchema,
  size: count,
  architectures: z.array(architecture).min(1).max(20),
  type: text(32),
  base: text(64).nullable(),
  confinement: z.enum(['strict', 'classic', 'devmode']),
  grade: z.enum(['stable', 'devel']),
  provenance: text(128),
  epoch: z.strictObject({ read: z.array(count).max(10), write: z.array(count).max(10) }),
  createdAt: moment,
  /** Names of the members that hold the snap and its assertions. */
  member: text(200),
  assertions: text(200),
  /** Which revision of which component of the snap goes with this revision. */
  components: z
    .array(z.strictObject({ name: snapName, revision }))
    .max(200)
    .optional(),
});

const componentSchema = z.strictObject({
  /** Without the snap's name in front. */
  name: snapName,
  /** `component/standard` or `component/kernel-modules`. */
  type: text(64),
  revision,
  version: text(64),
  description: text(20_000),
  digest: digestSchema,
  size: count,
  createdAt: moment,
  member: text(200),
});

const releaseSchema = z.strictObject({
  channel,
  architecture,
  /** null: the channel was closed. */
  revision: revision.nullable(),
  releasedAt: moment,
  /** Share of devices that get it, in percent; null: all. */
  percentage: z.number().int().min(0).max(100).nullable(),
  /** Decides with a device's identity who is in the share. */
  progressiveKey: text(64).nullable(),
  paused: z.boolean(),
  /** When a branch ends; null: never. */
  expiresAt: moment.nullable(),
});

const snapSchema = z.strictObject({
  snapId: id,
  name: snapName,
  /** The store that the snap is kept in. */
  store: id,
  private: z.boolean(),
  publisherId: id,
  /** app, base, core, gadget, kernel, os or snapd. */
  type: text(16),
  title: text(255),
  summary: text(512),
  description: text(DESCRIPTION_MAX),
  license: text(255).nullable(),
  contact: text(512).nullable(),
  website: text(512).nullable(),
  links: z.record(text(64), z.array(text(2000)).max(50)),
  media: z
    .array(
      z.strictObject({ type: text(32), url: text(2000), width: count.optional(), height: count.optional() }),
    )
    .max(50),
  categories: z.array(z.strictObject({ name: text(128), featured: z.boolean() })).max(50),
  defaultTrack: text(128).nullable(),
  revisions: z.array(revisionSchema).max(5000),
  components: z.array(componentSchema).max(5000).optional(),
  channels: z.array(releaseSchema).max(5000),
});

const storeSchema = z.strictObject({
  id,
  name: text(255),
  kind: z.enum(['general', 'brand', 'device-view']),
  brandId: id.nullable(),
  /** The store of the same brand that this one is a sub-store of. */
  parent: id.optional(),
  /** Stores whose snaps are visible through this one; `snaps: null` means all of them, else only those named. */
  includes: z
    .array(
      z.strictObject({
        store: id,
        snaps: z
          .array(z.strictObject({ snapId: id, name: snapName }))
          .max(20_000)
          .nullable(),
      }),
    )
    .max(100),
  /** Other brands whose stores may include this one, by the word of its owner. */
  sharedWith: z.array(id).min(1).max(1000).optional(),
});

const adminSchema = z.strictObject({
  accountId: id,
  username: text(128),
  displayName: text(200),
  email: text(255),
  /** SHA3-384 of the admin token's text; the token itself never enters an archive. */
  tokenDigest: digestSchema,
  /** Identifier of the token at the authority, so that a revocation can name it. */
  tokenId: text(64),
  tokenExpiresAt: moment.nullable(),
});

/** What an archive does not bring, because something says that it is there already. */
const restsOnSchema = z.strictObject({
  /** An inventory that the other side wrote, earlier archives, or what a store offered at a moment. */
  kind: z.enum(['inventory', 'archives', 'time']),
  /** SHA3-384 of the inventory, or of the earlier archives' manifests; null for a moment. */
  digest: digestSchema.nullable(),
  /** When the inventory or the newest of the archives was written, or the moment. */
  at: moment,
  /** The files that were left out. */
  members: z.array(memberSchema).min(1).max(200_000),
});

/**
 * `manifest.json` of the layouts `airlock-bundle` 1 to 4: everything that assertions do not cover, and a digest of all the
 * rest. Layout 2 may rest on what is there already, and have components; layout 3 says with whom a store is shared and
 * which snaps it awaits; layout 4 whose sub-store a store is. An archive is of the oldest layout that can say what it says.
 */
export const manifestSchema = z.strictObject({
  format: z.literal('airlock-bundle'),
  version: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  kind: z.enum(['store', 'snap', 'store-metadata']),
  /** Also the order of an exporter's archives about one store: an older one than the newest imported is refused. */
  createdAt: moment,
  /** The key that signs the manifest: SHA3-384 of the raw public key, base64url. */
  exporter: z.string().regex(/^[A-Za-z0-9_-]{64}$/, "the fingerprint of the exporter's key"),
  /** Id of the store that the archive is about; null for single snaps of the general store. */
  store: id.nullable(),
  /** Whether `snaps` are all the snaps of the stores described here: then one that is missing has left its store. */
  complete: z.boolean(),
  members: z.array(memberSchema).max(200_000),
  snaps: z.array(snapSchema).max(50_000),
  stores: z.array(storeSchema).max(1000),
  admin: adminSchema.nullable(),
  /** Snaps that devices of the store may see and that do not come along: they are pushed by themselves. */
  awaits: z
    .array(z.strictObject({ snapId: id, name: snapName }))
    .min(1)
    .max(50_000)
    .optional(),
  /** Absent from an archive that brings everything. */
  restsOn: restsOnSchema.optional(),
});

/** A checked manifest. */
export type Manifest = z.output<typeof manifestSchema>;
/** One file in the archive, with its size in bytes and its SHA3-384. */
export type ManifestMember = Manifest['members'][number];
/** One snap with its details, revisions and channel map. */
export type ManifestSnap = Manifest['snaps'][number];
/** One revision of a snap, and where it lies in the archive. */
export type ManifestRevision = ManifestSnap['revisions'][number];
/** One revision of a component of a snap, and where it lies in the archive. */
export type ManifestComponent = NonNullable<ManifestSnap['components']>[number];
/** What an archive rests on, and what it leaves out therefore. */
export type ManifestRest = NonNullable<Manifest['restsOn']>;
/** One store and what it includes. */
export type ManifestStore = Manifest['stores'][number];
/** The brand store's admin, whose token lies beside the archive. */
export type ManifestAdmin = NonNullable<Manifest['admin']>;

/** The manifest's bytes: what is signed, and what its digest is taken of. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifestSchema.parse(manifest), null, 1)}\n`);
}

function isFullChannel(text: string): boolean {
  try {
    return channelName(parseChannel(text)) === text;
  } catch {
    return false;
  }
}
