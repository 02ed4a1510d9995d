import { AirlockError, type ErrorKind } from '../errors.ts';
import { systemFailure } from '../system-failures.ts';

/** The HTTP status of each kind of error: the one place where they meet. */
const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  // snapd and snapcraft ask again after 503; 500 and 429 make a device wait for minutes or hours.
  unavailable: 503,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

/** The statuses that an error can have. */
export type ErrorStatus = (typeof STATUS)[ErrorKind];

/** An error as a client may see it. */
export interface ClientError {
  readonly status: ErrorStatus;
  readonly code: string;
  readonly message: string;
}

/**
 * Says what a client may know of anything that was thrown. Our own errors speak for themselves, and a disk or a database that fails is
 * named; of everything else nothing is told but that it happened. The caller logs what is {@link isUnforeseen}.
 */
export function clientError(error: unknown): ClientError {
  const told = isOurs(error) ? error : systemFailure(error);
  if (told !== undefined && told.kind !== 'internal') {
    return { status: STATUS[told.kind], code: told.code, message: told.message };
  }
  return {
    status: 500,
    code: 'internal-error',
    message: 'cannot answer: an error happened here, and was logged',
  };
}

/** Whether more happened than the client is told, so that it belongs in the log. */
export function isUnforeseen(error: unknown): boolean {
  return !isOurs(error) || error.kind === 'internal';
}

function isOurs(error: unknown): error is AirlockError {
  return error instanceof AirlockError;
}

/** The envelope of the store's and the gateway's APIs (protocol/devices.md section 8): `error-list`, hyphened. */
export function storeErrorBody({ code, message }: Omit<ClientError, 'status'>): string {
  return JSON.stringify({ 'error-list': [{ code, message }] });
}

/** The envelope of the serial endpoints and of the older publisher API: `error_list`, underscored. */
export function serialErrorBody({ code, message }: Omit<ClientError, 'status'>): string {
  return JSON.stringify({ message, error_list: [{ code, message }] });
}

/** The content type of every error. Without a charset: snapd compares the whole header (protocol/devices.md section 8). */
export const ERROR_CONTENT_TYPE = 'application/json';
