import { pino, stdSerializers } from 'pino';
import type { Bindings, ChildLoggerOptions, DestinationStream, Logger } from 'pino';
import { withoutSecrets } from './redaction.ts';

/** The log: one JSON object a line, `log.child({ part: 'hsm' })` for a part of the program. */
export type Log = Logger;

/** From the quietest to the loudest. */
const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STANDARD_ERROR = 2;
/** Of lines that cannot be written. */
const WAITING_BYTES = 2 ** 20;

/**
 * Makes a log. Fields named like a secret are redacted at every depth, in child logs too.
 * @param destination where lines go; standard error when not given, so that standard output stays a command's own
 */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: withoutSecrets,
    },
    serializers: { error: errorFields, err: errorFields },
  };
  const log: Log = pino(options, destination ?? logLines(STANDARD_ERROR));
  redactChildren(log);
  return log;
}

/**
 * Where lines of a log go, at once. A full disk, or a reader that went away, ends nothing but the log: its newest lines wait, up to a limit.
 * @param file a path, or a number that the system knows an open file by
 */
export function logLines(file: string | number): DestinationStream {
  const destination = pino.destination({ dest: file, sync: true, maxLength: WAITING_BYTES });
  destination.on('error', () => undefined);
  return destination;
}

/** A log that writes nothing. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** The level of `AIRLOCK_LOG_LEVEL`, `info` when it names none. */
export function logLevelOf(env: Readonly<Record<string, string | undefined>>): LogLevel {
  return LOG_LEVELS.find((level) => level === env['AIRLOCK_LOG_LEVEL']) ?? 'info';
}

function errorFields(error: unknown): unknown {
  return error instanceof Error ? stdSerializers.err(error) : error;
}

/** pino formats the fields of a line, but not those that a child log adds to all of its lines: here they are cleaned too. */
function redactChildren(log: Log): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its `this` below
  const child: (this: Log, bindings: Bindings, options?: ChildLoggerOptions) => Log = log.child;
  Object.assign(log, {
    child(this: Log, bindings: Bindings, options?: ChildLoggerOptions) {
      return child.call(this, withoutSecrets(bindings), options);
    },
  });
}
