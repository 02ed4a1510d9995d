import { ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TemporalConfig } from '../../src/config/index.ts';
import { ensureSchedules, type Recurring } from '../../src/worker/schedules.ts';
import { openTestTemporal, type TestTemporal } from '../support/temporal.ts';

const SWEEP: Recurring = { name: 'sweepIntents', workflow: 'sweepSerials', queue: 'hsm' };
let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal.close());

const every = (seconds: number): TemporalConfig => ({
  ...temporal.config,
  schedules: { everySeconds: { sweepIntents: seconds } },
});
const described = () => temporal.client.schedule.getHandle(SWEEP.name).describe();

describe('schedules', () => {
  test('are made, and made again with no change', async () => {
    await ensureSchedules(temporal.client, every(60), [SWEEP]);
    await ensureSchedules(temporal.client, every(60), [SWEEP]);
    expect((await described()).spec.intervals).toEqual([expect.objectContaining({ every: 60_000 })]);
  });

  test('follow the configuration', async () => {
    await ensureSchedules(temporal.client, every(5), [SWEEP]);
    await vi.waitFor(async () =>
      expect((await described()).spec.intervals).toEqual([expect.objectContaining({ every: 5_000 })]),
    );
  });

  test('are kept paused when an operator paused them', async () => {
    await temporal.client.schedule.getHandle(SWEEP.name).pause('for a while');
    await ensureSchedules(temporal.client, every(7), [SWEEP]);
    await vi.waitFor(async () => {
      const { spec, state } = await described();
      expect(spec.intervals).toEqual([expect.objectContaining({ every: 7_000 })]);
      expect(state.paused).toBe(true);
    });
  });

  test('go when their time is 0', async () => {
    await ensureSchedules(temporal.client, every(0), [SWEEP]);
    await ensureSchedules(temporal.client, every(0), [SWEEP]);
    await vi.waitFor(() => expect(described()).rejects.toBeInstanceOf(ScheduleNotFoundError), {
      timeout: 20_000,
    });
  });
});
