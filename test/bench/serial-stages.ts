import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** Where one device's time went: milliseconds by stage, which together are the time of its request. */
export type Stages = ReadonlyMap<string, number>;

const REQUEST = 'POST /api/v1/snaps/auth/devices';

interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The stages of each request for a serial among the spans; requests that were answered without a batch are left out. */
export function stagesOf(spans: readonly ReadableSpan[]): Stages[] {
  const below = Map.groupBy(spans, ({ parentSpanContext }) => parentSpanContext?.spanId);
  const byId = new Map(spans.map((span) => [idOf(span), span]));
  const child = (parent: ReadableSpan | undefined, name: string) =>
    parent && (below.get(idOf(parent)) ?? []).find((span) => span.name === name);

  return spans
    .filter(({ name }) => name === REQUEST)
    .flatMap((request) => {
      const wait = child(request, 'wait for the serial');
      const queue = child(wait, 'queue');
      const batch = byId.get(queue?.links[0]?.context.spanId ?? '');
      const start = child(batch, 'start provisionSerials');
      const step = child(start, 'signSerials');
      const [sign, store] = [child(step, 'sign'), child(step, 'store')];
      const [parse, signature] = [child(request, 'parse'), child(request, 'verify signature')];
      const [chain, admit, reply] = ['verify chain', 'admit', 'reply'].map((name) => child(request, name));
      if (
        !parse ||
        !signature ||
        !chain ||
        !admit ||
        !wait ||
        !queue ||
        !start ||
        !step ||
        !sign ||
        !store ||
        !reply
      )
        return [];
      const at = {
        request: interval(request),
        parse: interval(parse),
        admit: interval(admit),
        wait: interval(wait),
        queue: interval(queue),
        start: interval(start),
        step: interval(step),
        sign: interval(sign),
        store: interval(store),
      };
      const [parsing, verifying, trusting, replying] = [parse, signature, chain, reply].map(length);
      const stages = new Map<string, number>([
        ['HTTP: until the body is read', at.parse.from - at.request.from],
        ['parse', parsing ?? 0],
        ['verify: the request’s own signature', verifying ?? 0],
        ['verify: the model’s chain', trusting ?? 0],
        ['database: checks and promise, with the wait for its turn', at.admit.to - at.admit.from],
        ['queue: until its batch leaves', at.queue.to - at.queue.from],
        ['Temporal: start, until its step begins', at.step.from - at.start.from],
        ['database: the batch’s promises', at.sign.from - at.step.from],
        ['HSM: all signatures of the batch', at.sign.to - at.sign.from],
        ['database: serials and log', at.store.to - at.store.from],
        ['reply: the chain that goes with the serial', replying ?? 0],
      ]);
      const known = [...stages.values()].reduce((sum, time) => sum + time, 0);
      stages.set('the rest: turns of the event loop between them', at.request.to - at.request.from - known);
      return [stages];
    });
}

/** Lengths of all spans of a name, in milliseconds. */
export function lengthsOf(spans: readonly ReadableSpan[], name: string): number[] {
  return spans.filter((span) => span.name === name).map(length);
}

function interval({ startTime, endTime }: ReadableSpan): Interval {
  return { from: startTime[0] * 1000 + startTime[1] / 1e6, to: endTime[0] * 1000 + endTime[1] / 1e6 };
}

function length(span: ReadableSpan): number {
  const { from, to } = interval(span);
  return to - from;
}

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}
