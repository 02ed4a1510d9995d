/** `airlock up` tells a collector where the time of a serial goes, when its operator names one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonToSkip } from '../../support/devicesim.ts';
import { OtlpCollector, type CollectedSpan } from '../../support/otlp-collector.ts';
import { eventually } from '../../support/processes.ts';
import { BRANDS } from './archive.ts';
import { program, Site } from './site.ts';

const REQUEST = 'POST /api/v1/snaps/auth/devices';

describe.skipIf(program.path === undefined)(`the trace of a serial${reasonToSkip(program)}`, () => {
  const brand = BRANDS.own;
  const body = 'mac: 00:16:3e:77:77:77\n';
  let collector: OtlpCollector;
  let site: Site;
  let trace: readonly CollectedSpan[];

  beforeAll(async () => {
    collector = await OtlpCollector.start();
    site = await Site.open({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'airlock-of-a-test',
    });
    await site.importStore(brand);
    await site.createModel(brand, 'model-a', await site.registerKey(brand, 'serials'));
    const options = ['--proposed-serial', 'TRACED-1', '--body', body];
    expect(await site.device('model-a').register(...options)).toMatchObject({ ok: true, serial: 'TRACED-1' });
    await eventually('the collector has the request', () =>
      collector.spans.some(({ name }) => name === REQUEST),
    );
    // What is not sent yet is sent before it stops.
    await site.stop();
    trace = collector.trace(collector.spans.find(({ name }) => name === REQUEST)?.traceId ?? '');
  }, 240_000);
  afterAll(async () => {
    await site.close();
    await collector.close();
  });

  it('is one tree, from the request to the token and the database', () => {
    const names = new Map(trace.map(({ spanId, name }) => [spanId, name]));
    const edges = trace.map(({ name, parentSpanId }) => `${names.get(parentSpanId) ?? '-'} > ${name}`);
    expect(edges.toSorted()).toEqual(
      [
        `- > ${REQUEST}`,
        `${REQUEST} > parse`,
        `${REQUEST} > verify signature`,
        `${REQUEST} > verify chain`,
        `${REQUEST} > admit`,
        'admit > judge a group',
        'judge a group > transaction',
        `${REQUEST} > wait for the serial`,
        'wait for the serial > queue',
        'wait for the serial > batch',
        'batch > start provisionSerials',
        'start provisionSerials > signSerials',
        'signSerials > look up',
        'signSerials > sign',
        'sign > HSM queue',
        'sign > HSM token',
        'signSerials > store',
        'store > transaction',
        `${REQUEST} > reply`,
      ].toSorted(),
    );
  });

  it('leads from the waiting of a request to the batch that its serial was made in', () => {
    const queue = trace.find(({ name }) => name === 'queue');
    const batch = trace.find(({ name }) => name === 'batch');
    expect(queue?.links).toEqual([{ traceId: batch?.traceId, spanId: batch?.spanId }]);
    expect(batch?.attributes).toEqual({ 'airlock.batch.size': 1 });
  });

  it('names the workflow, so that it is found in Temporal UI', () => {
    const [start, step] = ['start provisionSerials', 'signSerials'].map((name) =>
      trace.find((span) => span.name === name),
    );
    expect(start?.attributes['temporal.workflow.id']).toMatch(/^provision\/[0-9a-f-]{36}$/);
    expect(step?.attributes).toEqual({
      'temporal.workflow.id': start?.attributes['temporal.workflow.id'],
      'temporal.workflow.type': 'provisionSerials',
      'temporal.attempt': 1,
    });
  });

  it('shows an admin’s command with the steps of its process', () => {
    const start = collector.spans.find(({ name }) => name === 'start createSigningKey');
    const steps = collector.spans.filter(({ parentSpanId }) => parentSpanId === start?.spanId);
    expect(steps.map(({ name }) => name)).toEqual(['makeSigningKey']);
    const [root] = collector.trace(start?.traceId ?? '').filter(({ parentSpanId }) => parentSpanId === '');
    expect(root?.attributes['http.route']).toBe('/v1/*');
  });

  it('says who sent it', () => {
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'airlock-of-a-test' });
  });

  it('says nothing but what is listed here: no path, query, header, body, or name of a device', () => {
    const names = new Set(collector.spans.flatMap(({ attributes }) => Object.keys(attributes)));
    expect([...names].toSorted()).toEqual([
      'airlock.batch.size',
      'airlock.group.size',
      'airlock.transaction.waited_ms',
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'temporal.attempt',
      'temporal.workflow.id',
      'temporal.workflow.type',
    ]);
    const all = Buffer.concat(collector.received).toString('latin1');
    const secrets = [
      site.chain.apiKey('model-a'),
      brand.token,
      brand.email,
      body.trim(),
      'TRACED-1',
      'BEGIN',
    ];
    for (const secret of secrets) expect(all).not.toContain(secret);
  });
});
