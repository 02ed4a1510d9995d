import { AlwaysOffSampler, ParentBasedSampler } from '@opentelemetry/sdk-trace';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AirlockError } from '../../src/errors.ts';
import { noTracing, openTracing, silentLog } from '../../src/telemetry/index.ts';
import { traceSettings } from '../../src/telemetry/trace-settings.ts';
import { keptTraces, linksOf, placeOf } from '../support/traces.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

describe('traces', () => {
  test('are taken only where the environment names a collector', async () => {
    expect(await openTracing({}, silentLog())).toBe(noTracing);
    expect(await openTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, silentLog())).toBe(noTracing);
    expect(await openTracing({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, silentLog())).toBe(noTracing);
    expect(await openTracing({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }, silentLog())).toBe(noTracing);
    const tracing = await openTracing(ENDPOINT, silentLog());
    expect(tracing.on).toBe(true);
    await tracing.close();
  });

  test.each([
    [{}, { parentBased: true, share: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { parentBased: false, share: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { parentBased: true, share: 0 }],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
      { parentBased: false, share: 0.25 },
    ],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, { parentBased: true, share: 1 }],
  ])('keep the share that %o asks for', (env, setting) => {
    expect(traceSettings({ ...ENDPOINT, ...env })).toEqual(setting);
  });

  test.each([
    [{ OTEL_TRACES_SAMPLER: 'sometimes' }, 'cannot use OTEL_TRACES_SAMPLER: it must be one of always_on'],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      'cannot use OTEL_TRACES_SAMPLER_ARG: it must be a number from 0 to 1',
    ],
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'cannot use OTEL_EXPORTER_OTLP_PROTOCOL: traces are sent by http/protobuf',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      'cannot use OTEL_EXPORTER_OTLP_ENDPOINT: it must be an http',
    ],
  ])('are refused with a sentence for %o', (env, sentence) => {
    expect(() => traceSettings({ ...ENDPOINT, ...env })).toThrow(sentence);
  });
});

describe('a span', () => {
  test('gives what its work gives, or throws what it throws, with and without a collector', async () => {
    for (const tracing of [noTracing, keptTraces().tracing]) {
      expect(tracing.span('now', () => 1)).toBe(1);
      expect(await tracing.span('later', async () => 2)).toBe(2);
      expect(() => tracing.span('bad', () => refuse())).toThrow('cannot do it');
      await expect(tracing.span('bad', async () => refuse())).rejects.toThrow('cannot do it');
    }
  });

  test('lies below the one that it is called in, across whatever is awaited', async () => {
    const { tracing, spans } = keptTraces();
    await tracing.span('outer', async () => {
      await sleep(1);
      await tracing.span('inner', () => sleep(1));
      tracing.note('past', { from: performance.now() - 5, to: performance.now() });
    });
    const [inner, past, outer] = spans();
    expect([inner, past].map((span) => span?.parentSpanContext?.spanId)).toEqual(
      [outer, outer].map((span) => span?.spanContext().spanId),
    );
    expect(past?.duration[1]).toBeCloseTo(5e6, -5);
    expect(tracing.here()).toBeUndefined();
  });

  test('lies where it is told, in another process too', () => {
    const one = keptTraces();
    const other = keptTraces();
    const place = one.tracing.span('asks', () => one.tracing.here());
    other.tracing.span('caller', () => {
      other.tracing.span('answers', () => undefined, { under: place });
      other.tracing.span('stands alone', () => undefined, { under: null });
      other.tracing.span('is lost', () => undefined, { under: 'no place' });
    });
    const [asks] = one.spans();
    const [answers, alone, lost] = other.spans();
    expect(place).toBe(asks && placeOf(asks));
    expect(answers?.parentSpanContext?.spanId).toBe(asks?.spanContext().spanId);
    expect(answers?.spanContext().traceId).toBe(asks?.spanContext().traceId);
    expect([alone, lost].map((span) => span?.parentSpanContext)).toEqual([undefined, undefined]);
  });

  test('names others that have to do with it', () => {
    const { tracing, spans } = keptTraces();
    const place = tracing.span('one', () => tracing.here() ?? '');
    tracing.span('other', () => undefined, { links: [place, 'no place'] });
    expect(spans().map(linksOf)).toEqual([[], [place]]);
  });

  test('keeps the code of an error and none of its words', async () => {
    const { tracing, spans } = keptTraces();
    await tracing.span('refused', async () => refuse()).catch(() => undefined);
    await tracing
      .span('broken', () => Promise.reject(new TypeError('told in confidence')))
      .catch(() => undefined);
    expect(spans().map(({ attributes }) => attributes)).toEqual([
      { 'error.type': 'not-done' },
      { 'error.type': 'TypeError' },
    ]);
    expect(spans().flatMap(({ events }) => events)).toEqual([]);
    expect(spans().map(({ status }) => status.message)).toEqual([undefined, undefined]);
  });

  test('has no room for what is named like a secret', () => {
    const { tracing, spans } = keptTraces();
    const facts = { 'airlock.pin': '1234', apiKey: 'k', 'airlock.batch.size': 2 };
    tracing.span('careless', (span) => span.say({ token: 't' }), { facts });
    expect(spans()[0]?.attributes).toEqual({ 'airlock.batch.size': 2 });
  });

  test('that is not kept keeps what lies below it from being kept', () => {
    const { tracing, spans } = keptTraces(new ParentBasedSampler({ root: new AlwaysOffSampler() }));
    const place = tracing.span('outer', () => tracing.here());
    tracing.span('inner', () => undefined, { under: place });
    expect(spans()).toEqual([]);
  });
});

function refuse(): never {
  throw new AirlockError('invalid', 'not-done', 'cannot do it: told in confidence');
}
