import { defineEntity, p } from '@mikro-orm/core';
import { keyDigest, moment, shortId } from './columns.ts';

/** One revision of one assertion, in its original bytes. Several revisions stay, so that a device gets the newest of a format that it understands. */
export const StoredAssertion = defineEntity({
  name: 'StoredAssertion',
  tableName: 'assertion',
  uniques: [{ properties: ['type', 'primaryKey', 'revision'] }],
  indexes: [
    { properties: ['type', 'sequenceKey', 'sequence'] },
    { properties: ['snapId'] },
    { properties: ['accountId', 'type'] },
  ],
  properties: {
    id: p.integer().primary().autoincrement(),
    type: p.string().length(32),
    /** Primary key values in the order of the type, joined by "/" (no value contains one). */
    primaryKey: p.string().length(255),
    /** For sequence-forming types: the primary key less its last part; else empty. */
    sequenceKey: p.string().length(255),
    sequence: p.integer().nullable(),
    revision: p.integer(),
    format: p.integer(),
    authorityId: shortId(),
    signKeyId: keyDigest(),
    /** The snap that the assertion is about, where it is about one: its visibility decides who may fetch it. */
    snapId: shortId().nullable(),
    /** The account that an account or account-key is of, else the brand or account in its key. */
    accountId: shortId().nullable(),
    /** Part of the trusted set: account and account-key of a root, added by an explicit command. */
    trusted: p.boolean(),
    bytes: p.blob(),
    addedAt: moment(),
  },
});
