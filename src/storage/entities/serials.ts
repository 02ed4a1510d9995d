import { defineEntity, p } from '@mikro-orm/core';
import { keyDigest, moment, name, shortId } from './columns.ts';

/**
 * A serial that was promised to a device: every header is fixed before anything is signed, so that a repeat makes the same bytes.
 * With `serialAssertion` it is in the serial log, beside the signatures of `SerialHistory`. The two unique keys are the authority on who
 * has which serial.
 */
export const SerialIntent = defineEntity({
  name: 'SerialIntent',
  tableName: 'serial_intent',
  uniques: [
    { properties: ['brandId', 'modelName', 'serial'] },
    { properties: ['brandId', 'modelName', 'deviceKeyId'] },
  ],
  indexes: [
    { properties: ['brandId', 'deviceKeyId'] },
    { properties: ['signedAt', 'id'] },
    { properties: ['brandId', 'modelName', 'createdAt'] },
    { properties: ['brandId', 'modelName', 'signedAt', 'id'] },
  ],
  properties: {
    /** Of this very draft: a promise that is drafted anew gets another id. */
    id: p.string().length(36).primary(),
    brandId: shortId(),
    modelName: name(),
    serial: p.string().length(128),
    deviceKeyId: keyDigest(),
    authorityId: shortId(),
    /** The key that signs. */
    signKeyId: keyDigest(),
    hsmKeyId: p.string().length(64),
    /** Headers of the serial assertion, complete but for the signing key. */
    headers: p.json<Record<string, unknown>>(),
    body: p.text(),
    /** The timestamp header: RFC 3339. */
    timestamp: p.string().length(35),
    apiKeyName: name().nullable(),
    sourceAddress: p.string().length(64).nullable(),
    batch: p.string().length(64).nullable(),
    createdAt: moment(),
    signedAt: moment().nullable(),
    /** Why a promise that was not kept never will be: `key-revoked`, `key-expired`, `key-deleted` or `key-unusable`. */
    closedReason: p.string().length(32).nullable(),
    serialRequest: p.blob(),
    serialAssertion: p.blob().nullable(),
  },
});

/** A request-id that was used, and by which device key: replay by another is refused, by the same is answered again. */
export const SpentRequestId = defineEntity({
  name: 'SpentRequestId',
  tableName: 'spent_request_id',
  indexes: [{ properties: ['expiresAt'] }],
  properties: {
    requestId: p.string().length(128).primary(),
    deviceKeyId: keyDigest(),
    intentId: p.string().length(36).nullable(),
    expiresAt: moment(),
  },
});

/** A nonce that a device session was opened with. */
export const SpentNonce = defineEntity({
  name: 'SpentNonce',
  tableName: 'spent_nonce',
  indexes: [{ properties: ['expiresAt'] }],
  properties: {
    nonce: p.string().length(128).primary(),
    expiresAt: moment(),
  },
});

/** What is refused from the next request on: a serial, device key, model, brand, API key or session. */
export const Block = defineEntity({
  name: 'Block',
  tableName: 'block',
  uniques: [{ properties: ['kind', 'brandId', 'subject'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    /** `serial` (subject MODEL/SERIAL), `device-key`, `model`, `session` or `api-key`. */
    kind: p.string().length(16),
    brandId: shortId(),
    subject: p.string().length(255),
    reason: p.string().length(512),
    createdAt: moment(),
    createdBy: shortId(),
  },
});

/** A device that opened a session here. */
export const Device = defineEntity({
  name: 'Device',
  tableName: 'device',
  uniques: [{ properties: ['brandId', 'modelName', 'serial'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    serial: p.string().length(128),
    deviceKeyId: keyDigest(),
    storeId: shortId().nullable(),
    userAgent: p.string().length(255).nullable(),
    firstSeenAt: moment(),
    lastSeenAt: moment(),
  },
});

/** Remodelling that a brand allows (protocol/operators.md 2.4); a null serial means all devices of the model. */
export const RemodelAllowance = defineEntity({
  name: 'RemodelAllowance',
  tableName: 'remodel_allowance',
  uniques: [{ properties: ['brandId', 'fromModel', 'toModel', 'fromSerial'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    fromModel: name(),
    toModel: name(),
    /** Empty for all serials. */
    fromSerial: p.string().length(128),
    description: p.string().length(512),
    createdAt: moment(),
    createdBy: shortId(),
    modifiedAt: moment().nullable(),
    modifiedBy: shortId().nullable(),
  },
});
