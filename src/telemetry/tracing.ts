/**
 * Where the time of one piece of work goes, across processes: spans with names and times, in traces. The parts of the product
 * know this interface alone; open-tracing.ts has what is behind it when somebody collects traces.
 */

/** What a span says beside its name and times: few words and numbers, never an address, a body or a secret. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>;

/** A place in a trace in W3C's form of a `traceparent`: what is handed on carries it along. */
export type TraceParent = string;

/** Where a span belongs, and what it says. */
export interface SpanOptions {
  readonly facts?: SpanFacts;
  /** The place below which it lies; `null` begins a trace of its own. Where it is called from unless told. */
  readonly under?: TraceParent | null | undefined;
  /** Places that have to do with it, and are not above it. */
  readonly links?: readonly TraceParent[];
  /** `server` answers a caller, `producer` hands on, `consumer` takes up. */
  readonly kind?: 'internal' | 'server' | 'producer' | 'consumer';
}

/** A span that is not over. */
export interface OpenSpan {
  say(facts: SpanFacts): void;
}

/** Takes the time of what is done. */
export interface Tracing {
  /** False: nobody collects traces, and all of this costs a function call. */
  readonly on: boolean;
  /** Does the work inside a span, which ends with it. An error passes through; the span keeps its code, never its words. */
  span<Result>(name: string, work: (span: OpenSpan) => Result, options?: SpanOptions): Result;
  /** A span over what is past already. Times are those of `performance.now()`. */
  note(name: string, time: { readonly from: number; readonly to: number }, options?: SpanOptions): void;
  /** Where the caller is; undefined outside of every span. */
  here(): TraceParent | undefined;
  /** Sends what is not sent yet, for some seconds at most. */
  close(): Promise<void>;
}

const SILENT: OpenSpan = { say: () => undefined };

/** Takes no time at all. */
export const noTracing: Tracing = {
  on: false,
  span: (_name, work) => work(SILENT),
  note: () => undefined,
  here: () => undefined,
  close: async () => undefined,
};
