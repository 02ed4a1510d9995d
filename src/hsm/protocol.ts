import { z } from 'zod';

/**
 * What the parent and the PKCS#11 child process say to each other over Node's IPC channel ("advanced" serialization, so
 * that bytes travel as bytes). Control messages are parsed with zod on arrival. Signatures, hundreds a second, are checked
 * by the two small functions at the end: the shapes are flat, and zod would cost as much there as the transport.
 */

/** A number that the parent gives a call and the child repeats in its answer. */
const call = z.int().nonnegative();
const bytes = z.instanceof(Uint8Array);
/** CKA_ID in lower-case hex. */
const key = z.string().regex(/^(?:[0-9a-f]{2}){1,64}$/);

export const requestSchema = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('open'),
    call,
    module: z.string().min(1),
    tokenLabel: z.string().min(1),
    tokenSerial: z.string().optional(),
    pin: z.string(),
    sessions: z.int().min(1).max(64),
  }),
  z.strictObject({ op: z.literal('find'), call, key }),
  z.strictObject({ op: z.literal('list'), call }),
  z.strictObject({ op: z.literal('generate'), call, key, label: z.string(), bits: z.int() }),
  z.strictObject({ op: z.literal('delete'), call, key }),
  z.strictObject({ op: z.literal('ping'), call }),
  z.strictObject({ op: z.literal('close'), call }),
]);
/** Every request but a batch of digests to sign. */
export type ControlRequest = z.infer<typeof requestSchema>;

/** One digest of a batch; `digest` is SHA-512, 64 bytes. */
export interface SignItem {
  readonly call: number;
  readonly key: string;
  readonly digest: Uint8Array;
}
export interface SignRequest {
  readonly op: 'sign';
  readonly signs: readonly SignItem[];
}
export type Request = ControlRequest | SignRequest;

export const faultSchema = z.object({
  kind: z.enum([
    'connection',
    'no-token',
    'pin',
    'pin-guarded',
    'key-missing',
    'key-ambiguous',
    'key-unprotected',
    'module',
    'refused',
  ]),
  /** What happened, in words or as the name of the PKCS#11 return value; never holds a secret. */
  reason: z.string(),
});
/** A failed call, as the child tells it. */
export type Fault = z.infer<typeof faultSchema>;

/** Answers to control requests, and to those digests that could not be signed. */
export const answerSchema = z.union([
  z.object({ call, value: z.unknown() }),
  z.object({ call, fault: faultSchema }),
]);

export const publicKeySchema = z.object({ n: bytes, e: bytes });
export const tokenSchema = z.object({
  label: z.string(),
  manufacturer: z.string(),
  model: z.string(),
  serial: z.string(),
});
/** Who made the token and which one it is, as it says itself. */
export type TokenDescription = z.infer<typeof tokenSchema>;
export const keyListSchema = z.array(z.object({ id: key, label: z.string(), publicKey: publicKeySchema }));

export interface SignedItem {
  readonly call: number;
  readonly signature: Uint8Array;
  /** How long the token worked on it. */
  readonly milliseconds: number;
}

/** The batch of digests in a message from the parent, or nothing when it is another kind of message. */
export function signsOf(message: unknown): readonly SignItem[] | undefined {
  if (!isRecord(message) || message['op'] !== 'sign' || !Array.isArray(message['signs'])) return undefined;
  const items: readonly unknown[] = message['signs'];
  return items.every(isSignItem) ? items : undefined;
}

/** The batch of signatures in a message from the child, or nothing when it is another kind of message. */
export function signedOf(message: unknown): readonly SignedItem[] | undefined {
  if (!isRecord(message) || !Array.isArray(message['signed'])) return undefined;
  const items: readonly unknown[] = message['signed'];
  return items.every(isSignedItem) ? items : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isSignItem(value: unknown): value is SignItem {
  return (
    isRecord(value) &&
    typeof value['call'] === 'number' &&
    typeof value['key'] === 'string' &&
    value['digest'] instanceof Uint8Array
  );
}

function isSignedItem(value: unknown): value is SignedItem {
  return (
    isRecord(value) &&
    typeof value['call'] === 'number' &&
    typeof value['milliseconds'] === 'number' &&
    value['signature'] instanceof Uint8Array
  );
}
