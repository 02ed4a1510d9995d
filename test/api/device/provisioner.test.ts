import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  Provisioner,
  type ProvisionerOptions,
  type StoredSerial,
} from '../../../src/api/device/provisioning/provisioner.ts';
import { DeviceError } from '../../../src/devices/index.ts';

const open: Provisioner[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const provisioner of open.splice(0)) provisioner.close();
});

/** A provisioner over a signer that a test controls; `stored` is the database. */
function make(options: Partial<ProvisionerOptions> = {}) {
  const batches: string[][] = [];
  const stored = new Map<string, Uint8Array>();
  const reported: unknown[] = [];
  const serialOf = (id: string): StoredSerial => ({ id, serialAssertion: Buffer.from(`serial of ${id}`) });
  const provisioner: Provisioner = new Provisioner({
    runBatch: async (intents) => {
      batches.push([...intents]);
      const serials = intents.map(serialOf);
      for (const { id, serialAssertion } of serials) stored.set(id, serialAssertion);
      provisioner.announce(serials);
    },
    lookUp: async (intents) => intents.flatMap((id) => (stored.has(id) ? [serialOf(id)] : [])),
    report: (error) => reported.push(error),
    lookEvery: 5,
    ...options,
  });
  open.push(provisioner);
  return { provisioner, batches, stored, reported, serialOf };
}

const names = (count: number, prefix = 'i') =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index)}`);

describe('the provisioner', () => {
  it('sends what arrives in the same moment as one batch, and gives everybody their own serial', async () => {
    const { provisioner, batches } = make();
    const serials = await Promise.all(names(5).map((id) => provisioner.obtain(id, 'default')));
    expect(serials.map((serial) => Buffer.from(serial ?? []).toString())).toEqual(
      names(5).map((id) => `serial of ${id}`),
    );
    expect(batches).toEqual([names(5)]);
  });

  it('fills batches up to their size, in the order of arrival', async () => {
    const { provisioner, batches } = make({ batchSize: 4 });
    await Promise.all(names(10).map((id) => provisioner.obtain(id, 'default')));
    expect(batches.flat()).toEqual(names(10));
    expect(Math.max(...batches.map(({ length }) => length))).toBe(4);
  });

  it('makes an intent once, however many ask for it', async () => {
    const { provisioner, batches } = make();
    await Promise.all(Array.from({ length: 20 }, () => provisioner.obtain('one', 'default')));
    expect(batches).toEqual([['one']]);
  });

  it.each([
    ['no more batches at once than it has lanes', { intents: 7, most: 2 }],
    ['one full batch more for a quick token', { intents: 40, most: 3 }],
  ])('runs %s', async (_, of) => {
    const running: (() => void)[] = [];
    let most = 0;
    let held = false;
    const { provisioner, serialOf } = make({
      lanes: 2,
      batchSize: 4,
      runBatch: async (batch) => {
        if (held) await new Promise<void>((over) => (most = Math.max(most, running.push(over))));
        provisioner.announce(batch.map(serialOf));
      },
    });
    // How quick a token is shows with its first batch.
    await provisioner.obtain('first', 'default');
    held = true;
    const all = Promise.all(names(of.intents).map((id) => provisioner.obtain(id, 'default')));
    await expect.poll(() => running.length).toBe(of.most);
    while (provisioner.load > 0) {
      running.shift()?.();
      await sleep(1);
    }
    await all;
    expect(most).toBe(of.most);
  });

  it('lets batches of several lanes leave one after the other, for the later one to gather more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { provisioner, batches, serialOf } = make({
      lanes: 2,
      lookEvery: 0,
      runBatch: async (intents) => {
        batches.push([...intents]);
        await new Promise((over) => setTimeout(over, 100));
        provisioner.announce(intents.map(serialOf));
      },
    });
    const ask = (id: string) => void provisioner.obtain(id, 'default');
    ask('a');
    await vi.advanceTimersByTimeAsync(200);
    ask('b');
    await vi.advanceTimersByTimeAsync(5);
    ask('c');
    await vi.advanceTimersByTimeAsync(15);
    ask('d');
    expect(batches).toEqual([['a'], ['b']]);
    await vi.advanceTimersByTimeAsync(10);
    expect(batches).toEqual([['a'], ['b'], ['c', 'd']]);
  });

  it('shares what is there between its lanes, so that the token always has a batch to sign', async () => {
    const { provisioner, batches } = make({ lanes: 2, batchSize: 64 });
    await Promise.all(names(40).map((id) => provisioner.obtain(id, 'default')));
    expect(batches.length).toBeGreaterThan(1);
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(20);
    expect(batches.flat().toSorted()).toEqual(names(40).toSorted());
  });

  it('lets a device go after a while, and keeps its place in line', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { provisioner, serialOf } = make({
      patience: 30,
      batchSize: 1,
      runBatch: async (intents) => {
        await held;
        provisioner.announce(intents.map(serialOf));
      },
    });
    expect(
      await Promise.all([provisioner.obtain('a', 'default'), provisioner.obtain('b', 'default')]),
    ).toEqual([undefined, undefined]);
    expect(provisioner.load).toBe(2);
    release();
    await expect.poll(() => provisioner.load).toBe(0);
  });

  it('refuses before anything is recorded once too many wait, but for those who are in line', async () => {
    const { provisioner } = make({ capacity: 3, patience: 20, runBatch: () => sleep(60) });
    const waiting = names(3).map((id) => provisioner.obtain(id, 'default'));
    expect(() => provisioner.checkCapacity('default', 'i2')).not.toThrow();
    expect(() => provisioner.checkCapacity('default', 'i3')).toThrow(DeviceError);
    expect(() => provisioner.checkCapacity('default')).toThrow(DeviceError);
    try {
      provisioner.checkCapacity('default');
    } catch (error) {
      expect(error).toMatchObject({ code: 'too-busy', kind: 'unavailable' });
    }
    await Promise.all(waiting);
  });

  it('finds in the database what another process stored', async () => {
    const { provisioner, stored } = make({ runBatch: () => sleep(1000) });
    const serial = provisioner.obtain('elsewhere', 'default');
    await sleep(20);
    stored.set('elsewhere', new Uint8Array([1]));
    expect(Buffer.from((await serial) ?? []).toString()).toBe('serial of elsewhere');
  });

  it('frees the lane as soon as all is stored, before the batch says that it is over', async () => {
    const order: string[] = [];
    const { provisioner, serialOf } = make({
      batchSize: 1,
      runBatch: async (intents, stored) => {
        order.push(`start ${intents.join()}`);
        setTimeout(() => provisioner.announce(intents.map(serialOf)), 5);
        await Promise.race([stored, sleep(5000)]);
      },
    });
    await Promise.all([provisioner.obtain('a', 'default'), provisioner.obtain('b', 'default')]);
    expect(order).toEqual(['start a', 'start b']);
  });

  it('tries again what could not be started, and reports it', async () => {
    const subject = { brandId: 'acme', modelName: 'model-a', serial: 'A-1' };
    let attempts = 0;
    const { provisioner, reported, serialOf } = make({
      restartAfter: 5,
      runBatch: async (intents, _stored, subjects) => {
        attempts += 1;
        expect(subjects).toEqual([subject]);
        if (attempts < 3) throw new Error('no Temporal');
        provisioner.announce(intents.map(serialOf));
      },
    });
    expect(await provisioner.obtain('persistent', 'default', subject)).toBeDefined();
    expect(reported).toHaveLength(2);
  });

  it('sends a device away to be judged anew when its batch is over and its serial was not made', async () => {
    const { provisioner } = make({ runBatch: async () => undefined });
    expect(await provisioner.obtain('refused', 'default')).toBeUndefined();
    await expect.poll(() => provisioner.load).toBe(0);
  });

  it('makes batches smaller for a slow token, so that those in front are not kept waiting for those behind', async () => {
    const { provisioner, batches, serialOf } = make({
      batchTime: 20,
      batchSize: 16,
      runBatch: async (intents) => {
        batches.push([...intents]);
        await sleep(intents.length * 10);
        provisioner.announce(intents.map(serialOf));
      },
    });
    await Promise.all(names(40).map((id) => provisioner.obtain(id, 'default')));
    expect(batches[0]).toHaveLength(16);
    expect(Math.max(...batches.slice(1).map(({ length }) => length))).toBeLessThan(8);
    expect(batches.flat()).toEqual(names(40));
  });

  it('lets everybody go when it is closed', async () => {
    const { provisioner } = make({ runBatch: () => sleep(1000) });
    const waiting = provisioner.obtain('late', 'default');
    provisioner.close();
    expect(await waiting).toBeUndefined();
  });
});
