/** What the program tells about itself: logs, metrics, traces, and the id that ties a request's lines together. */
export { createLog, logLevelOf, logLines, silentLog, type Log } from './log.ts';
export { createMetrics, statusClass, type Metrics } from './metrics.ts';
export { openTracing } from './open-tracing.ts';
export { requestId } from './request-id.ts';
export { noTracing, type TraceParent, type Tracing } from './tracing.ts';
