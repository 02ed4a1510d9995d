import { z } from 'zod';
import { AirlockError } from '../../errors.ts';
import type { BucketPlace } from './place.ts';

/** What can be wrong with a bucket. */
export type BucketErrorCode =
  /** The clock of the bucket server and that of this machine differ too much: set them right. */
  | 'bucket-clock-differs'
  /** The bucket server answers with an error of its own: its log may say why. */
  | 'bucket-failed'
  | 'bucket-file-damaged'
  /** The file is not in the bucket. */
  | 'bucket-file-missing'
  /** There is no bucket of that name: make it, or correct `proxy.storage.s3.scanned-container-name`. */
  | 'bucket-missing'
  /** The access key is not accepted: check `proxy.storage.s3.access-key-id`, its secret and its rights. */
  | 'bucket-refused'
  /** The bucket is in another region: set `proxy.storage.s3.region`. */
  | 'bucket-region-wrong'
  | 'bucket-settings-incomplete'
  /** The bucket server does not answer: check it, and `proxy.storage.s3.server-url`. */
  | 'bucket-unreachable'
  /** The certificate of the bucket server is not trusted: add its CA by `use-ca-certs`. */
  | 'bucket-untrusted';

/** A bucket that cannot be used as it should be: never the fault of whoever asks for a file, and mended by the operator. */
export class BucketError extends AirlockError<BucketErrorCode> {
  constructor(code: BucketErrorCode, sentence: string, options?: { readonly cause?: unknown }) {
    super('unavailable', code, sentence, options);
  }
}

const UNTRUSTED = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const UNREACHABLE: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'its name cannot be looked up',
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection breaks off',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ENOTFOUND: 'its name is not known',
  EPIPE: 'the connection breaks off',
  ETIMEDOUT: 'it does not answer in time',
  TimeoutError: 'it does not answer in time',
};

/** How servers say that nobody has our access key; the second is the Versity gateway's own, and comes as a 404. */
const KEY_UNKNOWN = new Set(['InvalidAccessKeyId', 'XAdminUserNotFound']);
/** What a 404 is named that is about an object; without a body it is NotFound. */
const OBJECT_MISSING = new Set(['NoSuchKey', 'NotFound']);

const withStatus = z.object({ $metadata: z.object({ httpStatusCode: z.number().optional() }) });

/** The status of an answer that was an error; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return withStatus.safeParse(error).data?.$metadata.httpStatusCode;
}

/** Whether the answer was that there is no such object; a missing bucket is told the same way where an answer has no body. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404 && OBJECT_MISSING.has(nameOf(error));
}

/** What an S3 client threw, in words for the operator; what is no error of S3 or of the network passes through. */
export function bucketError(error: unknown, place: BucketPlace): unknown {
  if (error instanceof AirlockError || !(error instanceof Error) || error.name === 'AbortError') return error;
  const told = sentenceOf(error, place);
  return told === undefined ? error : new BucketError(told[0], told[1], { cause: error });
}

function sentenceOf(error: Error, place: BucketPlace): readonly [BucketErrorCode, string] | undefined {
  const host = place.endpoint ?? `Amazon S3 in ${place.region}`;
  const what = `cannot use the bucket ${place.bucket} at ${host}:`;
  const name = nameOf(error);
  const code = 'code' in error ? String(error.code) : error.name;
  if (UNTRUSTED.has(code))
    return [
      'bucket-untrusted',
      `${what} its certificate is not trusted (${code}); add its CA by use-ca-certs`,
    ];
  const unreachable = UNREACHABLE[code] ?? UNREACHABLE[error.name];
  if (unreachable !== undefined)
    return ['bucket-unreachable', `${what} ${unreachable}; check the server and proxy.storage.s3.server-url`];
  switch (name) {
    case 'NoSuchBucket':
      return [
        'bucket-missing',
        `${what} there is none of that name; make it, or set proxy.storage.s3.scanned-container-name`,
      ];
    case 'RequestTimeTooSkewed':
      return [
        'bucket-clock-differs',
        `${what} its clock and the one of this machine differ too much; set them right`,
      ];
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
      return ['bucket-region-wrong', `${what} it is in another region; set proxy.storage.s3.region`];
    default:
  }
  const status = statusOf(error);
  if (status === 401 || status === 403 || KEY_UNKNOWN.has(name))
    return [
      'bucket-refused',
      `${what} the access key is not accepted (${name}); check proxy.storage.s3.access-key-id, its secret and its rights`,
    ];
  if (status === undefined) return undefined;
  if (isNotFound(error))
    return ['bucket-file-missing', `cannot find the file in the bucket ${place.bucket} at ${host}`];
  return ['bucket-failed', `${what} it answers ${status} ${name}; the log of that server may say why`];
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
