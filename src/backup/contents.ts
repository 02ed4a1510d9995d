import { z } from 'zod';

/** The member that comes first and lists all others. */
export const CONTENTS_NAME = 'contents.json';
/** Some 400,000 blobs. */
export const CONTENTS_MAX = 96 * 1024 * 1024;

/** Names of the members, by what they are. They are also the places in the data folder that they are restored to. */
export const MEMBER = {
  database: 'database.sqlite',
  temporal: 'temporal.db',
  masterKey: 'master.key',
  token: 'softhsm',
  blobs: 'blobs',
} as const;

const digest = z.string().regex(/^[0-9a-f]{96}$/);
const size = z.number().int().min(0);

/** Members have no other names: none climbs out of the folder that it is restored to. */
const memberName = z
  .string()
  .max(512)
  .regex(
    /^(database\.sqlite|temporal\.db|master\.key|softhsm(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+|blobs\/[0-9a-f]{96})$/,
  );

/** What a backup holds. */
export const backupContents = z.strictObject({
  backupId: z.string().max(64),
  createdAt: z.iso.datetime(),
  /** The engine that the rows come from; inside, they are always a file of the embedded one. */
  database: z.enum(['libsql', 'postgresql']),
  /** `content`: the snaps are inside; `reference`: only their digests. */
  blobs: z.enum(['content', 'reference']),
  /** In the order in which they follow, with the SHA3-384 of each. */
  members: z.array(z.strictObject({ name: memberName, size, digest })),
  /** Snaps that are not inside; those in the bucket stay where the restored settings find them. */
  references: z.array(z.strictObject({ digest, size, place: z.literal('bucket').optional() })),
});
export type BackupContents = z.infer<typeof backupContents>;
export type BackupMember = BackupContents['members'][number];

/** The blob that a member holds; undefined for other members. */
export function blobOf(name: string): string | undefined {
  return name.startsWith(`${MEMBER.blobs}/`) ? name.slice(MEMBER.blobs.length + 1) : undefined;
}
