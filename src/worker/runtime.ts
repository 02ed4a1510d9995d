import { Runtime, type LogLevel, type LogMetadata, type Logger } from '@temporalio/worker';
import type { TemporalConfig } from '../config/index.ts';
import { silentLog, type Log } from '../telemetry/index.ts';

/** Warnings about what we do on purpose: a queue that only runs activities. */
const EXPECTED: ReadonlySet<string> = new Set(['No workflows registered, not polling for workflow tasks']);
/** Of no use to a reader, and long. */
const LEFT_OUT: ReadonlySet<string> = new Set(['taskToken', 'sdkComponent']);

let installed = false;
let sink: Log = silentLog();

/**
 * Sets up the process-wide part of Temporal: our log, its metrics if wanted, and no signal handlers of its own, since
 * the order in which a process stops is ours. Temporal allows it once in a process, before the first connection: a later
 * call only changes the log.
 */
export function installRuntime(config: TemporalConfig, log?: Log): void {
  if (log !== undefined) sink = log.child({ part: 'temporal' });
  if (installed) return;
  installed = true;
  const { address } = config.worker.metrics;
  Runtime.install({
    logger: new RuntimeLog(),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(address !== '' && {
        metrics: {
          prometheus: { bindAddress: address, countersTotalSuffix: true, useSecondsForDurations: true },
        },
      }),
    },
  });
}

/** Temporal's log in ours. Its everyday lines are at debug; a retried step's failure is a warning there already. */
class RuntimeLog implements Logger {
  log(level: LogLevel, message: string, meta?: LogMetadata): void {
    if (level === 'ERROR') this.error(message, meta);
    else if (level === 'WARN') this.warn(message, meta);
    else this.debug(message, meta);
  }

  trace(message: string, meta?: LogMetadata): void {
    sink.trace(plain(meta), message);
  }

  debug(message: string, meta?: LogMetadata): void {
    sink.debug(plain(meta), message);
  }

  info(message: string, meta?: LogMetadata): void {
    sink.debug(plain(meta), message);
  }

  warn(message: string, meta?: LogMetadata): void {
    sink[EXPECTED.has(message) ? 'debug' : 'warn'](plain(meta), message);
  }

  error(message: string, meta?: LogMetadata): void {
    sink.error(plain(meta), message);
  }
}

function plain(meta: LogMetadata | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta ?? {})
      .filter(([key]) => !LEFT_OUT.has(key))
      .map(([key, value]: [string, unknown]) => [key, typeof value === 'bigint' ? `${value}` : value]),
  );
}
