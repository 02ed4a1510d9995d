import { defineEntity, p } from '@mikro-orm/core';
import { blobDigest, moment, name, shortId } from './columns.ts';

/** A file that was imported as a whole, or a removal: what can be rolled back, newest first. */
export const ImportRecord = defineEntity({
  name: 'ImportRecord',
  tableName: 'import_record',
  indexes: [{ properties: ['digest'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    /** SHA3-384 (hex) of the manifest, or of the whole file where there is none; empty for a removal. */
    digest: blobDigest(),
    /** store, snap, store-metadata or account-keys; removal or prune. */
    kind: p.string().length(16),
    storeId: shortId().nullable(),
    /** For a removal: what was removed. */
    fileName: p.string().length(255),
    /** Device, inode, size, mtime and ctime of the file as it was verified: an unchanged file needs no second look. */
    fileIdentity: p.string().length(255),
    exporterFingerprint: p.string().length(64).nullable(),
    exportedAt: moment().nullable(),
    importedAt: moment(),
    /** imported, removed or pruned; rolled-back once it is undone. */
    outcome: p.string().length(16),
    summary: p.json<Record<string, unknown>>(),
    /** What was there before, to roll back to; null once it cannot be. */
    undo: p.json<Record<string, unknown>>().nullable(),
    /** The run of the workflow that rolled it back, so that a repeat of that run undoes nothing more. */
    undoneBy: p.string().length(64).nullable(),
  },
});

/** A blob that no catalogue row may name any more, and that a roll-back would bring back. */
export const UndoBlob = defineEntity({
  name: 'UndoBlob',
  tableName: 'undo_blob',
  uniques: [{ properties: ['importId', 'sha3_384'] }],
  indexes: [{ properties: ['sha3_384'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    /** The import record that is undone with it. */
    importId: p.integer(),
    sha3_384: blobDigest(),
    /** Bytes. */
    size: p.bigint('number'),
    /** What people call it. */
    subject: p.string().length(160),
  },
});

/** The exporting machine whose manifests we accept for a store: pinned by the first import. */
export const PinnedExporter = defineEntity({
  name: 'PinnedExporter',
  tableName: 'pinned_exporter',
  properties: {
    storeId: shortId().primary(),
    fingerprint: p.string().length(64),
    publicKey: p.json<Record<string, unknown>>(),
    pinnedAt: moment(),
    /** `created-at` of the newest manifest accepted: an older one is refused. */
    newestExport: moment(),
  },
});

/** A blob that may be nobody's: on its way in before a row names it, or let go by the rows that did. */
export const LooseBlob = defineEntity({
  name: 'LooseBlob',
  tableName: 'loose_blob',
  indexes: [{ properties: ['notedAt'] }],
  properties: {
    sha3_384: blobDigest().primary(),
    notedAt: moment(),
  },
});

/** An upload or publication on an authority. */
export const Upload = defineEntity({
  name: 'Upload',
  tableName: 'upload',
  properties: {
    id: p.string().length(36).primary(),
    sha3_384: blobDigest().nullable(),
    size: p.bigint('number'),
    snapName: p.string().length(64).nullable(),
    snapId: shortId().nullable(),
    accountId: shortId().nullable(),
    channels: p.json<string[]>(),
    /** `received`, not claimed yet; `processing`; then `approved`, `held` or `rejected`. */
    state: p.string().length(24),
    revision: p.integer().nullable(),
    errors: p.json<{ code: string; message: string }[]>(),
    fileName: name(),
    createdAt: moment(),
    changedAt: moment(),
  },
});
