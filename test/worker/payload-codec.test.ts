import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { createPayloadCodec, type PayloadKey } from '../../src/worker/payload-codec.ts';

const key = (id: string): PayloadKey => ({ id, key: randomBytes(32) });
const [older, newer] = [key('older'), key('newer')];
const codec = createPayloadCodec([newer, older]);

const only = (payloads: readonly Payload[]): Payload => {
  const [payload] = payloads;
  if (payload === undefined || payloads.length !== 1) throw new Error('one payload expected');
  return payload;
};
const sealed = async (value: unknown, by = codec) =>
  only(await by.encode([defaultPayloadConverter.toPayload(value)]));
const opened = async (payload: Payload, by = codec): Promise<unknown> =>
  defaultPayloadConverter.fromPayload(only(await by.decode([payload])));

describe('sealed payloads', () => {
  test('open to what was sealed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        expect(await opened(await sealed(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('show nothing of it, and never look the same twice', async () => {
    const secret = 'the text that nobody else may read';
    const [one, two] = [await sealed(secret), await sealed(secret)];
    expect(Buffer.from(one.data ?? []).includes(secret)).toBe(false);
    expect(one.data).not.toEqual(two.data);
  });

  test('stay readable after a new key has come', async () => {
    const payload = await sealed('kept', createPayloadCodec([older]));
    expect(await opened(payload)).toBe('kept');
  });

  test('do not open without their key, and the sentence names it', async () => {
    const payload = await sealed('kept');
    await expect(opened(payload, createPayloadCodec([older]))).rejects.toMatchObject({
      code: 'payload-sealed-with-unknown-key',
      message: expect.stringContaining('newer'),
    });
  });

  test('do not open when any bit was changed, or under another key id', async () => {
    const payload = await sealed({ serial: 'a' });
    const data = Buffer.from(payload.data ?? []);
    await fc.assert(
      fc.asyncProperty(fc.nat(data.length - 1), fc.integer({ min: 0, max: 7 }), async (index, bit) => {
        const changed = Buffer.from(data);
        changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        await expect(opened({ ...payload, data: changed })).rejects.toMatchObject({ code: 'payload-broken' });
      }),
    );
    const relabelled = { ...payload, metadata: { ...payload.metadata, 'airlock-key': Buffer.from('older') } };
    await expect(opened(relabelled)).rejects.toMatchObject({ code: 'payload-broken' });
  });

  test('a payload that ends too early is refused, not a crash', async () => {
    const payload = await sealed('x');
    for (const length of [0, 5, 12, 20, 28]) {
      const cut = { ...payload, data: Buffer.from(payload.data ?? []).subarray(0, length) };
      await expect(opened(cut)).rejects.toMatchObject({ code: 'payload-broken' });
    }
  });
});

test('a payload that was never sealed passes through, as the Temporal CLI sends it', async () => {
  expect(await opened(defaultPayloadConverter.toPayload('plain'))).toBe('plain');
});
