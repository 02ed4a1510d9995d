import { defineEntity, p } from '@mikro-orm/core';
import type { KeyBounds } from '../../assertions/index.ts';
import { keyDigest, moment, name, shortId } from './columns.ts';

/** A model that the Model Service issues serials for. */
export const Model = defineEntity({
  name: 'Model',
  tableName: 'model',
  uniques: [{ properties: ['brandId', 'name'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    name: name(),
    series: p.string().length(8),
    /** How serial numbers come about and who may enrol: parsed by src/devices. */
    enrolment: p.json<Record<string, unknown>>(),
    createdAt: moment(),
    createdBy: shortId(),
    modifiedAt: moment().nullable(),
    modifiedBy: shortId().nullable(),
  },
});

/** A named API key of a model. Kept as a hash; `sealed` holds the one that `list models` shows. */
export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  uniques: [{ properties: ['brandId', 'modelName', 'name'] }],
  indexes: [{ properties: ['hash'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    name: name(),
    /** SHA-256, hex, of the key. */
    hash: p.string().length(64),
    sealed: p.text().nullable(),
    createdAt: moment(),
    createdBy: shortId(),
    validUntil: moment().nullable(),
    lastUsedAt: moment().nullable(),
    revokedAt: moment().nullable(),
  },
});

/**
 * That a secret of a model was rotated: it is derived with this salt from then on. The secrets themselves are nowhere, the one that they
 * come from is sealed. A row outlives its model, so that a secret which is over stays over.
 */
export const ModelSecret = defineEntity({
  name: 'ModelSecret',
  tableName: 'model_secret',
  uniques: [{ properties: ['brandId', 'modelName', 'kind'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    /** `claims` or `webhook`. */
    kind: p.string().length(16),
    salt: p.string().length(64),
    rotatedAt: moment(),
    rotatedBy: shortId(),
  },
});

/** A key pair on the HSM. The row is made with the CKA_ID before the key is generated. */
export const SigningKey = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  uniques: [{ properties: ['brandId', 'name'] }],
  indexes: [{ properties: ['keyId'] }],
  properties: {
    /** CKA_ID on the token, hex. */
    hsmKeyId: p.string().length(64).primary(),
    /** The HSM token that holds it, by the name that the settings give it. */
    token: p.string().length(32).default('default'),
    brandId: shortId(),
    name: name(),
    /** SHA3-384 of the public key as assertions write it; null until the HSM made it. */
    keyId: keyDigest().nullable(),
    /** The public key as an account-key's body holds it. */
    publicKey: p.text().nullable(),
    /** OpenPGP v4 fingerprint, hex. */
    fingerprint: p.string().length(64).nullable(),
    createdAt: moment(),
    createdBy: shortId(),
    modifiedAt: moment().nullable(),
    modifiedBy: shortId().nullable(),
    registrationRequestedAt: moment().nullable(),
    /** What its account-key-request asks for, or will: until when and for which assertions. */
    bounds: p.json<KeyBounds>().nullable(),
    signatures: p.bigint('number'),
  },
});

/** Which key signs the serials of a model: the highest revision that was not deleted is in force. */
export const SerialPolicy = defineEntity({
  name: 'SerialPolicy',
  tableName: 'serial_policy',
  uniques: [{ properties: ['brandId', 'modelName', 'revision'] }],
  indexes: [{ properties: ['keyId'] }],
  properties: {
    id: p.integer().primary().autoincrement(),
    brandId: shortId(),
    modelName: name(),
    revision: p.integer(),
    keyId: keyDigest(),
    createdAt: moment(),
    createdBy: shortId(),
    deletedAt: moment().nullable(),
  },
});
