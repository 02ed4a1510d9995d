/** A rotation is one process: whatever stops in between, there is one new key, and the policies move once. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { errorOfFailure, withFailures } from '../../src/activities/errors.ts';
import { createSigningKeyActivities } from '../../src/activities/signing-keys.ts';
import { decodeAssertion, publicKeyOf } from '../../src/assertions/index.ts';
import { findAssertion } from '../../src/storage/index.ts';
import { listPolicies } from '../../src/storage/model-service/index.ts';
import type { rotateSigningKey } from '../../src/workflows/rotate-signing-key.ts';
import type { RotateSigningKeyInput } from '../../src/workflows/serials-contract.ts';
import { openModelService } from '../support/model-service.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openTestTemporal, withWorkers } from '../support/temporal.ts';

async function service() {
  const rig = await openModelService({ folder: await temporaryFolder(), brandId: 'acme' });
  onTestFinished(() => rig.close());
  const temporal = await openTestTemporal();
  onTestFinished(() => temporal.close());
  const { database, tokens } = rig;
  const old = await rig.addKey('old');
  for (const model of ['model-a', 'model-b'])
    await rig.addModel(model, { apiKey: `key-of-${model}`, key: old });
  const own = createSigningKeyActivities({ database, tokens, clock: () => new Date() });
  const input = (name: string): RotateSigningKeyInput => ({
    brandId: 'acme',
    oldKeyId: old.keyId,
    name,
    actor: 'admin',
    deliver: 'file',
    lookEverySeconds: 1,
    acceptsWider: false,
  });
  const requestOf = async (keyId: string) =>
    (await findAssertion(database.queries, 'account-key-request', [keyId]))?.bytes;
  const push = async (keyId: string, name: string) => {
    const request = decodeAssertion((await requestOf(keyId)) ?? new Uint8Array());
    await rig.addAssertions([await rig.chain.accountKey(publicKeyOf(request), name)]);
  };
  const policies = async () =>
    (await listPolicies(database.queries, 'acme')).map(({ modelName, keyId }) => [modelName, keyId]);
  return { rig, temporal, own, old, input, requestOf, push, policies };
}

test(
  'goes on where it was, after a worker that died and steps that succeeded and said that they failed',
  { timeout: 120_000 },
  async () => {
    const { rig, temporal, own, old, input, requestOf, push, policies } = await service();
    const failing = new Set(['makeSigningKey', 'signKeyRequest', 'moveKeyPolicies']);
    // Each step is done once, and its answer lost.
    const lost =
      <Input, Output>(name: string, step: (of: Input) => Promise<Output>) =>
      async (of: Input): Promise<Output> => {
        const output = await step(of);
        if (output !== null && failing.delete(name)) throw new Error('the answer was lost');
        return output;
      };
    const hsm = withFailures({
      ...own,
      makeSigningKey: lost('makeSigningKey', own.makeSigningKey),
      signKeyRequest: lost('signKeyRequest', own.signKeyRequest),
      moveKeyPolicies: lost('moveKeyPolicies', own.moveKeyPolicies),
    });
    const workflowId = `rotate-key/${old.keyId}`;
    const keyId = await withWorkers(temporal, { hsm }, async (client) => {
      const rotation = await client.workflow.start<typeof rotateSigningKey>('rotateSigningKey', {
        workflowId,
        taskQueue: 'hsm',
        args: [input('next')],
      });
      const state = async () => rotation.query<{ step: string; keyId?: string }>('rotationState');
      await expect.poll(async () => (await state()).step, { timeout: 30_000 }).toBe('awaiting-account-key');
      const made = (await state()).keyId ?? '';
      await expect.poll(() => requestOf(made), { timeout: 30_000 }).toBeDefined();
      return made;
    });
    expect((await policies()).map(([, key]) => key)).toEqual([old.keyId, old.keyId]);
    await push(keyId, 'next');
    await withWorkers(temporal, { hsm }, async (client) => {
      const outcome = await client.workflow.getHandle(workflowId).result();
      expect(outcome).toEqual({ name: 'next', step: 'rotated', keyId, models: ['model-a', 'model-b'] });
    });
    expect(failing).toEqual(new Set());
    expect((await policies()).toSorted()).toEqual(
      ['model-a', 'model-b'].flatMap((model) => [old.keyId, keyId].map((key) => [model, key])).toSorted(),
    );
    expect((await rig.hsm.listKeys()).map(({ label }) => label).toSorted()).toEqual(['next', 'old']);
    const acts = await rig.database.queries
      .selectFrom('AuditEntry')
      .select('details')
      .where('act', '=', 'key.rotate')
      .execute();
    expect(acts.map(({ details }) => details)).toEqual([{ to: keyId, models: ['model-a', 'model-b'] }]);
  },
);

test('ends, and moves nothing, when the new key is deleted', { timeout: 120_000 }, async () => {
  const { temporal, own, old, input, requestOf, policies } = await service();
  await withWorkers(temporal, { hsm: withFailures(own) }, async (client) => {
    const rotation = await client.workflow.start<typeof rotateSigningKey>('rotateSigningKey', {
      workflowId: randomUUID(),
      taskQueue: 'hsm',
      args: [input('unwanted')],
    });
    const made = async () => (await rotation.query<{ keyId?: string }>('rotationState')).keyId ?? '';
    await expect.poll(async () => requestOf(await made()), { timeout: 30_000 }).toBeDefined();
    await client.workflow.execute('deleteSigningKey', {
      workflowId: randomUUID(),
      taskQueue: 'hsm',
      args: [{ keyId: await made(), hsmKeyId: randomUUID().replaceAll('-', ''), actor: 'admin' }],
    });
    const error = await rotation.result().then(() => undefined, errorOfFailure);
    expect(error?.code).toBe('signing-key-unknown');
  });
  expect((await policies()).map(([, key]) => key)).toEqual([old.keyId, old.keyId]);
});
