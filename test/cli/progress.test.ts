import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createContext } from '../../src/cli/context.ts';
import { withSeconds } from '../../src/cli/progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that ends when it is told to, on a terminal or in a pipe, and all that is written meanwhile. */
function waiting(isTTY: boolean) {
  const written: string[] = [];
  const terminal = {
    stdin: Readable.from([]),
    stdout: { write: () => expect.unreachable('nothing of this is output') },
    stderr: { write: (text: string) => written.push(text), isTTY },
    env: {},
  };
  const work = Promise.withResolvers<string>();
  const context = createContext(terminal, 'store-admin', new AbortController().signal);
  return { written, work, waited: withSeconds(context, work.promise) };
}

test('a wait counts its seconds on a terminal, and leaves an empty line behind', async () => {
  const { written, work, waited } = waiting(true);
  await vi.advanceTimersByTimeAsync(2500);
  work.resolve('made');
  expect(await waited).toBe('made');
  await vi.advanceTimersByTimeAsync(5000);
  expect(written).toEqual(['\r  1 s', '\r  2 s', '\r     \r']);
});

test('a wait that fails does so too', async () => {
  const { written, work, waited } = waiting(true);
  await vi.advanceTimersByTimeAsync(1000);
  work.reject(new Error('the HSM is down'));
  await expect(waited).rejects.toThrow('the HSM is down');
  expect(written.at(-1)).toBe('\r     \r');
  expect(vi.getTimerCount()).toBe(0);
});

test('nothing is written in a pipe, nor for what is over at once', async () => {
  const piped = waiting(false);
  const quick = waiting(true);
  quick.work.resolve('made');
  await quick.waited;
  await vi.advanceTimersByTimeAsync(3000);
  piped.work.resolve('made');
  await piped.waited;
  expect([...piped.written, ...quick.written]).toEqual([]);
});
