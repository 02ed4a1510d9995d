import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { sdkTracing } from '../../src/telemetry/sdk-tracing.ts';
import type { TraceParent, Tracing } from '../../src/telemetry/index.ts';

/** Tracing that keeps every span in memory as soon as it is over. */
export function keptTraces(sampler?: Sampler): {
  readonly tracing: Tracing;
  readonly spans: () => ReadableSpan[];
  /** Lets go of those that it has. */
  readonly forget: () => void;
} {
  const exporter = new InMemorySpanExporter();
  const tracing = sdkTracing({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(sampler && { sampler }),
  });
  return { tracing, spans: () => exporter.getFinishedSpans(), forget: () => exporter.reset() };
}

/** The place of a span, as it is carried. */
export function placeOf(span: ReadableSpan): TraceParent {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

/** Places that a span is linked to. */
export function linksOf(span: ReadableSpan): TraceParent[] {
  return span.links.map(({ context }) => `00-${context.traceId}-${context.spanId}-01`);
}
