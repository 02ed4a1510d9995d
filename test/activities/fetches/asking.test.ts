import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { askingFirst } from '../../../src/activities/fetches/asking.ts';
import { SettingStore } from '../../../src/storage/index.ts';
import { UpstreamError, type UpstreamWatch } from '../../../src/upstream/index.ts';
import { temporaryDatabase } from '../../support/database.ts';

const away = () => new UpstreamError('upstream-unreachable', 'cannot reach http://store.example: gone');

/** What comes of an attempt, and what it told of itself. */
async function attempt(number: number, before: unknown, work: (watch: UpstreamWatch) => Promise<unknown>) {
  const settings = new SettingStore(await temporaryDatabase(), {
    seal: (_, secret) => secret,
    open: (_, sealed) => sealed,
  });
  const worker = new MockActivityEnvironment({ attempt: number, heartbeatDetails: before });
  const told: unknown[] = [];
  worker.on('heartbeat', (details: unknown) => told.push(details));
  const thrown: unknown = await worker
    .run(() => askingFirst(settings, (_, watch) => work(watch)))
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  return { isFinal: thrown instanceof ApplicationFailure && thrown.nonRetryable === true, thrown, told };
}
const failing = () => Promise.reject(away());
const cutOff = (watch: UpstreamWatch) => {
  watch.onAnswer();
  return Promise.reject(away());
};

describe('a step that asks an upstream first', () => {
  it('is given up at its sixth attempt when there never was an answer, with the same sentence', async () => {
    for (const number of [1, 5])
      expect((await attempt(number, undefined, failing)).thrown).toBeInstanceOf(UpstreamError);
    const { isFinal, thrown } = await attempt(6, undefined, failing);
    expect(isFinal).toBe(true);
    expect(thrown).toMatchObject({ type: 'upstream-unreachable', message: away().message });
  });

  it('goes on when this attempt or one before had an answer', async () => {
    const first = await attempt(5, undefined, cutOff);
    expect(first).toMatchObject({ isFinal: false, told: [{ reached: true }] });
    expect(await attempt(9, first.told.at(-1), failing)).toMatchObject({
      isFinal: false,
      // Else the beats of this attempt would make the next one forget it.
      told: [{ reached: true }],
    });
    expect((await attempt(6, undefined, cutOff)).isFinal).toBe(false);
  });

  it('tells a silence, and each answer that ends one, once', async () => {
    const { told } = await attempt(1, undefined, (watch) => {
      watch.onSilence('cannot reach it: silent');
      watch.onAnswer();
      watch.onAnswer();
      watch.onSilence('cannot reach it: silent');
      return Promise.resolve();
    });
    const awaiting = 'cannot reach it: silent';
    expect(told).toEqual([{ awaiting }, { reached: true }, { awaiting, reached: true }]);
  });
});
