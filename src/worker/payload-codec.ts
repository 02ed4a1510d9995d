import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { WorkerError } from './errors.ts';

/** Keys of payloads: the first seals, all of them open. Each has 32 bytes. */
export type PayloadKeyRing = readonly [PayloadKey, ...PayloadKey[]];
export interface PayloadKey {
  readonly id: string;
  readonly key: Uint8Array;
}

const ENCODING = 'binary/encrypted';
const KEY_ID = 'airlock-key';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/**
 * Seals every payload with AES-256-GCM before it leaves the process, bound to the id of its key. Layout of the sealed
 * data: 12 bytes IV, 16 bytes tag, then the payload's own encoding. Unsealed payloads, as the Temporal CLI sends them,
 * are passed through.
 */
export function createPayloadCodec(keys: PayloadKeyRing): PayloadCodec {
  // Made once: Node makes a key object of plain bytes at each use, which costs more than the sealing.
  const byId = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
  const [{ id, key }] = keys;
  const sealing = { id, key: createSecretKey(key) };
  return {
    encode: async (payloads) => payloads.map((payload) => seal(payload, sealing)),
    decode: async (payloads) => payloads.map((payload) => open(payload, byId)),
  };
}

function seal(payload: Payload, { id, key }: { readonly id: string; readonly key: KeyObject }): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(associated(id));
  const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return {
    metadata: { [METADATA_ENCODING_KEY]: utf8.encode(ENCODING), [KEY_ID]: utf8.encode(id) },
    data: Buffer.concat([iv, cipher.getAuthTag(), sealed]),
  };
}

function open(payload: Payload, byId: ReadonlyMap<string, KeyObject>): Payload {
  if (metadata(payload, METADATA_ENCODING_KEY) !== ENCODING) return payload;
  const id = metadata(payload, KEY_ID);
  const key = byId.get(id);
  if (key === undefined)
    throw new WorkerError(
      'internal',
      'payload-sealed-with-unknown-key',
      `cannot open a payload: it was sealed with the key "${id}", which is not in this data folder`,
    );
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv(CIPHER, key, data.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associated(id));
    decipher.setAuthTag(data.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const plain = Buffer.concat([decipher.update(data.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
    return proto.temporal.api.common.v1.Payload.decode(plain);
  } catch (cause) {
    throw new WorkerError(
      'internal',
      'payload-broken',
      'cannot open a payload: it was changed after it was sealed',
      {
        cause,
      },
    );
  }
}

function associated(id: string): Uint8Array {
  return utf8.encode(`airlock.payload.1:${id}`);
}

function metadata(payload: Payload, key: string): string {
  const value = payload.metadata?.[key];
  return value === undefined || value === null ? '' : text.decode(value);
}
