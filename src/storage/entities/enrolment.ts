import { defineEntity, p } from '@mikro-orm/core';
import { keyDigest, moment, name, shortId } from './columns.ts';

/** A serial number that a brand announced before its device came; `takenBy` is the device key that has it. */
export const AllowListEntry = defineEntity({
  name: 'AllowListEntry',
  tableName: 'allow_list_entry',
  uniques: [{ properties: ['brandId', 'modelName', 'serial'] }],
  indexes: [{ properties: ['brandId', 'modelName', 'deviceKeyId'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    serial: p.string().length(128),
    /** The one device key that may take it; null for any. */
    deviceKeyId: keyDigest().nullable(),
    note: p.string().length(255),
    createdAt: moment(),
    createdBy: shortId(),
    takenBy: keyDigest().nullable(),
    takenAt: moment().nullable(),
  },
});

/** A device that waits for, or got, an admin's yes or no. */
export const EnrolmentRequest = defineEntity({
  name: 'EnrolmentRequest',
  tableName: 'enrolment_request',
  uniques: [{ properties: ['brandId', 'modelName', 'deviceKeyId'] }],
  indexes: [{ properties: ['brandId', 'modelName', 'state', 'id'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    deviceKeyId: keyDigest(),
    proposedSerial: p.string().length(128).nullable(),
    /** `pending`, `approved` or `refused`. */
    state: p.string().length(16),
    sourceAddress: p.string().length(64).nullable(),
    firstSeenAt: moment(),
    lastSeenAt: moment(),
    decidedAt: moment().nullable(),
    decidedBy: shortId().nullable(),
  },
});

/** A claim code that was used, by its label, and by which device key. */
export const SpentClaim = defineEntity({
  name: 'SpentClaim',
  tableName: 'spent_claim',
  uniques: [{ properties: ['brandId', 'modelName', 'label'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    label: p.string().length(128),
    deviceKeyId: keyDigest(),
    spentAt: moment(),
  },
});

/** The explicit, one-use permission that another device key may take over a serial: a board was replaced. */
export const ReplacementPermit = defineEntity({
  name: 'ReplacementPermit',
  tableName: 'replacement_permit',
  indexes: [{ properties: ['brandId', 'modelName', 'serial'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    serial: p.string().length(128),
    /** The key of the new board where it is known; null for whichever comes first. */
    deviceKeyId: keyDigest().nullable(),
    reason: p.string().length(512),
    createdAt: moment(),
    createdBy: shortId(),
    /** From then on it permits nothing; null: until it is used or withdrawn. */
    expiresAt: moment().nullable(),
    usedAt: moment().nullable(),
    usedBy: keyDigest().nullable(),
  },
});

/** A hardware identity that a brand accepts (protocol/devices.md 7); `usedBy` is the device key that proved to hold it. */
export const Voucher = defineEntity({
  name: 'Voucher',
  tableName: 'voucher',
  uniques: [{ properties: ['brandId', 'hardwareKeyId'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    /** SHA3-384 of the `hardware-id-key` text, base64url. */
    hardwareKeyId: keyDigest(),
    issuerId: shortId(),
    hardwareId: p.string().length(255),
    hardwareName: name(),
    /** The PEM body without its markers. */
    publicKey: p.text(),
    importedAt: moment(),
    importedBy: shortId(),
    usedBy: keyDigest().nullable(),
    usedAt: moment().nullable(),
  },
});

/**
 * What once held a place in `SerialIntent` and had to give it up: the serial of a replaced board, a serial whose key was
 * revoked, a draft whose key changed before it signed, a promise that was closed, an entry of another service's log. Never deleted, so
 * that the log stays whole. A promise without an assertion may have been signed for all that: its signature was lost, or comes as a row of
 * its own.
 */
export const SerialHistory = defineEntity({
  name: 'SerialHistory',
  tableName: 'serial_history',
  indexes: [
    {
      name: 'serial_history_of_serial_index',
      properties: ['brandId', 'modelName', 'serial', 'signedAt', 'draftId'],
    },
    { properties: ['brandId', 'deviceKeyId'] },
    { properties: ['createdAt', 'id'] },
    { properties: ['brandId', 'modelName', 'signedAt', 'draftId'] },
  ],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    serial: p.string().length(128),
    deviceKeyId: keyDigest(),
    signKeyId: keyDigest().nullable(),
    /** The id that it had as a `SerialIntent`; null for another service's log, and for a promise of a release that did not keep it. */
    draftId: p.string().length(36).nullable(),
    /** When it was signed, with `serialAssertion`: then it is in the serial log; null for a promise. */
    signedAt: moment().nullable(),
    apiKeyName: name().nullable(),
    sourceAddress: p.string().length(64).nullable(),
    serialRequest: p.blob().nullable(),
    /** The revision that another service's log tells; null where the assertion itself is here, or there is none. */
    revision: p.integer().nullable(),
    /** `board-replaced`, `key-changed`, `serial-vault`, or why a promise was closed. */
    reason: p.string().length(32),
    createdAt: moment(),
    endedAt: moment(),
    endedBy: shortId(),
    serialAssertion: p.blob().nullable(),
  },
});
