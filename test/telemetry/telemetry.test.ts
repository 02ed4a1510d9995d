import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createLog,
  createMetrics,
  logLevelOf,
  logLines,
  requestId,
  statusClass,
} from '../../src/telemetry/index.ts';

function lines(): { log: ReturnType<typeof createLog>; written: string[] } {
  const written: string[] = [];
  return { log: createLog('info', { write: (line: string) => void written.push(line) }), written };
}

describe('the log', () => {
  test('is one JSON object a line, with a level and a time', () => {
    const { log, written } = lines();
    log.child({ part: 'hsm' }).info({ brand: 'acme' }, 'signed');
    const line: unknown = JSON.parse(written.join(''));
    expect(line).toMatchObject({ level: 'info', part: 'hsm', brand: 'acme', msg: 'signed' });
    expect(line).toHaveProperty('time', expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/));
  });

  test('never holds a secret, however deep it lies and however its name is spelt', () => {
    const name = fc.constantFrom(
      'pin',
      'PIN',
      'api_key',
      'Api-Key',
      'apiKey',
      'authorization',
      'Macaroon',
      'x-device-authorization',
    );
    const wrap = fc.array(fc.constantFrom('object', 'list'), { maxLength: 3 });
    fc.assert(
      fc.property(name, wrap, fc.uuid(), fc.boolean(), (field, wrappers, secret, asBinding) => {
        const inner: unknown = { [field]: secret };
        const fields = {
          outer: wrappers.reduce((value, kind) => (kind === 'list' ? [value] : { deeper: value }), inner),
        };
        const { log, written } = lines();
        if (asBinding) log.child(fields).info('x');
        else log.info(fields, 'x');
        expect(written.join('')).toContain('<redacted>');
        expect(written.join('')).not.toContain(secret);
      }),
    );
  });

  test('tells an error with its cause', () => {
    const { log, written } = lines();
    log.error({ error: new Error('cannot sign', { cause: new Error('token absent') }) }, 'failed');
    expect(written.join('')).toContain('cannot sign: token absent');
  });

  test('lets the program go on where nothing can be written', () => {
    const log = createLog('info', logLines('/dev/full'));
    expect(() => log.info('one')).not.toThrow();
    expect(() => log.child({ part: 'api' }).warn('another')).not.toThrow();
  });

  test('takes its level from the environment, info when that names none', () => {
    expect(logLevelOf({ AIRLOCK_LOG_LEVEL: 'debug' })).toBe('debug');
    expect(logLevelOf({ AIRLOCK_LOG_LEVEL: 'loud' })).toBe('info');
    expect(logLevelOf({})).toBe('info');
  });
});

describe('metrics', () => {
  test('come in the form that Prometheus reads', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.refusals.inc({ what: 'serial', reason: 'api-key-wrong' });
    metrics.requestSeconds.observe(
      { resource: '/v2/snaps/info/:name', method: 'GET', status: statusClass(200) },
      0.004,
    );
    const { body, contentType } = await metrics.text();
    expect(contentType).toContain('text/plain');
    expect(body).toContain('airlock_refusals_total{what="serial",reason="api-key-wrong"} 1');
    expect(body).toContain(
      'airlock_request_seconds_bucket{le="0.005",resource="/v2/snaps/info/:name",method="GET",status="2xx"} 1',
    );
  });

  test('of two appliances in one process do not mix', async () => {
    const [one, two] = [createMetrics({ processMetrics: false }), createMetrics({ processMetrics: false })];
    one.hsmQueue.set(3);
    expect((await two.text()).body).not.toContain('airlock_hsm_queue 3');
  });
});

describe('the id of a request', () => {
  test("is the caller's own when it is a plain one", () => {
    expect(requestId('abc-DEF_0123')).toBe('abc-DEF_0123');
  });

  test.each([undefined, null, '', 'short', 'a'.repeat(65), 'with space', 'line\nbreak1'])(
    'is new for %j',
    (given) => {
      expect(requestId(given)).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});
