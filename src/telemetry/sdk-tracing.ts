import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  isSpanContextValid,
  trace,
  type Context,
  type Link,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { TracerProvider, type TracerProviderOptions } from '@opentelemetry/sdk-trace';
import { isAirlockError } from '../errors.ts';
import { isSecretName } from './redaction.ts';
import type { SpanFacts, SpanOptions, TraceParent, Tracing } from './tracing.ts';

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;
const PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** A collector that does not answer must not keep the process from stopping. */
const CLOSE_MS = 3000;
const CLOCK_TOLERANCE_MS = 5;

/**
 * Tracing with OpenTelemetry's SDK. Where the running code is in its trace is known to this object alone: nothing is
 * registered for the whole process.
 */
export function sdkTracing(options: TracerProviderOptions): Tracing {
  const provider = new TracerProvider(options);
  const tracer = provider.getTracer('airlock');
  const places = new AsyncLocalStorage<Context>();
  const wallClock = createWallClock();

  const begin = (name: string, { facts, under, links = [], kind = 'internal' }: SpanOptions, from: number) =>
    tracer.startSpan(
      name,
      {
        kind: KINDS[kind],
        startTime: wallClock(from),
        links: links.flatMap(linkTo),
        ...(facts && { attributes: attributesOf(facts) }),
      },
      under === undefined ? (places.getStore() ?? ROOT_CONTEXT) : contextAt(under),
    );

  return {
    on: true,
    span(name, work, spanOptions = {}) {
      const span = begin(name, spanOptions, performance.now());
      const say = (facts: SpanFacts) => void span.setAttributes(attributesOf(facts));
      const end = () => span.end(wallClock(performance.now()));
      return endingWith({ span, end }, () => places.run(trace.setSpan(ROOT_CONTEXT, span), work, { say }));
    },
    note(name, { from, to }, spanOptions = {}) {
      begin(name, spanOptions, from).end(wallClock(to));
    },
    here() {
      const place = places.getStore();
      const context = place && trace.getSpanContext(place);
      return context && isSpanContextValid(context) ? parentOf(context) : undefined;
    },
    async close() {
      const waited = Promise.withResolvers<void>();
      const timer = setTimeout(waited.resolve, CLOSE_MS);
      await Promise.race([provider.shutdown().catch(() => undefined), waited.promise]);
      clearTimeout(timer);
    },
  };
}

/** The time of day of a `performance.now()`, finer than a millisecond: the machine's clock is looked at, and followed when it is put right. */
function createWallClock(): (time: number) => number {
  let origin = Date.now() - performance.now();
  return (time) => {
    const ahead = Date.now() - (origin + performance.now());
    if (Math.abs(ahead) > CLOCK_TOLERANCE_MS) origin += ahead;
    return origin + time;
  };
}

interface Ending {
  readonly span: Span;
  readonly end: () => void;
}

/** Ends the span when the work is over, be it a promise or not. */
function endingWith<Result>({ span, end }: Ending, work: () => Result): Result {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    fail(span, error);
    end();
    throw error;
  }
  if (!(result instanceof Promise)) {
    end();
    return result;
  }
  result.then(end, (error: unknown) => {
    fail(span, error);
    end();
  });
  return result;
}

/** An error's words may hold what somebody sent; its code does not. */
function fail(span: Span, error: unknown): void {
  const type = isAirlockError(error) ? error.code : error instanceof Error ? error.name : 'unknown';
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Names are dotted words, of which the last says what it is. */
function attributesOf(facts: SpanFacts): SpanFacts {
  const named = Object.entries(facts);
  return Object.fromEntries(named.filter(([name]) => !isSecretName(name.slice(name.lastIndexOf('.') + 1))));
}

function contextAt(parent: TraceParent | null): Context {
  const context = parent === null ? undefined : spanContextOf(parent);
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

function linkTo(parent: TraceParent): Link[] {
  const context = spanContextOf(parent);
  return context ? [{ context }] : [];
}

function parentOf({ traceId, spanId, traceFlags }: SpanContext): TraceParent {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function spanContextOf(parent: TraceParent): SpanContext | undefined {
  const found = PARENT.exec(parent);
  if (found === null) return undefined;
  const [, traceId = '', spanId = '', flags = '0'] = found;
  const context = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}
