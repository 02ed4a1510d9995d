import { AirlockError } from './errors.ts';

/** What a disk or a database fails with, whichever part of the product met it. */
export type SystemErrorCode =
  /** Also: the disk of the PostgreSQL server. */
  | 'disk-full'
  | 'disk-read-only'
  | 'disk-failing'
  | 'files-exhausted'
  | 'database-unavailable'
  | 'database-read-only'
  | 'database-damaged';

/** What is wrong, and what to do. */
const WORDS: Readonly<Record<SystemErrorCode, string>> = {
  'disk-full': 'the disk is full; make room and repeat',
  'disk-read-only': 'the disk is read-only; make it writable and repeat',
  'disk-failing': 'the disk fails to read or write; check it, and what the kernel says of it',
  'files-exhausted': 'too many files are open; raise the limit of open files of the process, and repeat',
  'database-unavailable': 'the database does not answer; check that it runs, and repeat',
  'database-read-only':
    'the database takes no changes; check that it is the primary server and writable, and repeat',
  'database-damaged': 'the database is damaged; stop this host, and restore a backup',
};

/** Codes of the operating system, of SQLite (the beginning of an extended one), and of PostgreSQL (SQLSTATE, or its class). */
const CODES: Readonly<Record<SystemErrorCode, RegExp>> = {
  'disk-full': /^(ENOSPC|EDQUOT|SQLITE_FULL|53100)$/,
  'disk-read-only': /^(EROFS|SQLITE_READONLY\w*)$/,
  'disk-failing': /^(EIO|SQLITE_IOERR\w*)$/,
  'files-exhausted': /^(EMFILE|ENFILE)$/,
  'database-unavailable': /^(SQLITE_BUSY\w*|08\w{3}|28\w{3}|3D000|53[023]00|57P0\w)$/,
  'database-read-only': /^25006$/,
  'database-damaged': /^(SQLITE_CORRUPT\w*|SQLITE_NOTADB|XX00[12])$/,
};

/** Of a socket that could not be made: of all parts the driver of PostgreSQL alone leaves it as it comes. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE)$/;
const SOCKET_CALLS: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo', 'read']);
/** What that driver says without any code. */
const CONNECTION_LOST =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;
/** Causes that are looked at, one within the other. */
const DEPTH = 16;

/**
 * The error for what a disk or a database failed with where nobody put it into words yet; undefined for all else.
 *
 * @param act what cannot be done. A place belongs there only where the operator alone reads it
 */
export function systemFailure(error: unknown, act = 'go on'): AirlockError<SystemErrorCode> | undefined {
  let cause = error;
  for (let depth = 0; cause instanceof Error && depth < DEPTH; depth += 1) {
    const code = codeOf(cause);
    if (code !== undefined)
      return new AirlockError('unavailable', code, `cannot ${act}: ${WORDS[code]}`, { cause: error });
    cause = cause.cause;
  }
  return undefined;
}

function codeOf(error: Error): SystemErrorCode | undefined {
  const told = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = Object.keys(WORDS)
    .filter(isSystemErrorCode)
    .find((code) => CODES[code].test(told));
  if (known !== undefined) return known;
  // Of a name with several addresses, each has failed.
  const ofSocket = 'syscall' in error ? SOCKET_CALLS.has(error.syscall) : error instanceof AggregateError;
  if (ofSocket && NOT_CONNECTED.test(told)) return 'database-unavailable';
  return CONNECTION_LOST.test(error.message) ? 'database-unavailable' : undefined;
}

function isSystemErrorCode(name: string): name is SystemErrorCode {
  return name in WORDS;
}
