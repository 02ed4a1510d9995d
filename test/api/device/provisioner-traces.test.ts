import { expect, it, onTestFinished } from 'vitest';
import { Provisioner } from '../../../src/api/device/provisioning/provisioner.ts';
import { keptTraces, linksOf, placeOf } from '../../support/traces.ts';

it('shows a batch in the trace of the request that came first, and leads to it from the others', async () => {
  const { tracing, spans } = keptTraces();
  const provisioner: Provisioner = new Provisioner({
    runBatch: async (intents) =>
      provisioner.announce(intents.map((id) => ({ id, serialAssertion: new Uint8Array([1]) }))),
    lookUp: async () => [],
    report: () => undefined,
    tracing,
  });
  onTestFinished(() => provisioner.close());
  const ask = (id: string) =>
    tracing.span(`request ${id}`, () => provisioner.obtain(id, 'default'), { under: null });
  await Promise.all(['a', 'b', 'c'].map(ask));
  await expect.poll(() => spans().length).toBe(7);

  const named = (name: string) => spans().filter((span) => span.name === name);
  const [a, b, c] = ['a', 'b', 'c'].flatMap((id) => named(`request ${id}`)).map(placeOf);
  const [batch] = named('batch');
  expect(batch?.parentSpanContext?.spanId).toBe(a?.split('-')[2]);
  expect(batch && linksOf(batch)).toEqual([b, c]);
  const queues = named('queue');
  expect(queues.map(linksOf)).toEqual(queues.map(() => [batch && placeOf(batch)]));
  expect(queues.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
    [a, b, c].map((place) => place?.split('-')[2]),
  );
});
