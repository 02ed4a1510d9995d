import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { describe, expect, test } from 'vitest';
import { pendingSteps } from '../../../src/api/ops/pending-steps.ts';

type Steps = NonNullable<Parameters<typeof pendingSteps>[0]['raw']['pendingActivities']>;

const { PENDING_ACTIVITY_STATE_SCHEDULED: SCHEDULED, PENDING_ACTIVITY_STATE_STARTED: STARTED } =
  proto.temporal.api.enums.v1.PendingActivityState;
const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });
const at = (milliseconds: number) => ({ nanos: milliseconds * 1e6 });
const failure = (kind: string) => ({
  message: 'cannot reach the store',
  applicationFailureInfo: { type: 'upstream-unreachable', details: payloads({ kind }) },
});
const pending = (...steps: Steps) => pendingSteps({ raw: { pendingActivities: steps } }, []);

describe('how far the steps are', () => {
  test('is the sum of what they told, and the whole where one knows it', async () => {
    expect(
      await pending(
        { state: STARTED, attempt: 1, heartbeatDetails: payloads({ bytes: 5, total: 20 }) },
        { state: STARTED, attempt: 1, heartbeatDetails: payloads({ bytes: 7 }) },
        { state: STARTED, attempt: 1, heartbeatDetails: payloads(undefined) },
      ),
    ).toEqual({ done: 12, total: 20, waiting: null });
    expect(await pending()).toEqual({ done: undefined, total: undefined, waiting: null });
  });
});

describe('a step waits', () => {
  const waiting = { code: 'upstream-unreachable', message: 'cannot reach the store', attempt: 2 };

  test('between two attempts, and while the next one gets nowhere', async () => {
    const lastFailure = failure('unavailable');
    expect((await pending({ state: SCHEDULED, attempt: 2, lastFailure })).waiting).toEqual(waiting);
    expect((await pending({ state: STARTED, attempt: 2, lastFailure })).waiting).toEqual(waiting);
  });

  test('until an attempt reports bytes of its own: what an earlier one reported does not count', async () => {
    const step = {
      state: STARTED,
      attempt: 2,
      lastFailure: failure('unavailable'),
      heartbeatDetails: payloads({ bytes: 5 }),
      lastStartedTime: at(100),
    };
    expect((await pending({ ...step, lastHeartbeatTime: at(99) })).waiting).toEqual(waiting);
    expect((await pending({ ...step, lastHeartbeatTime: at(101) })).waiting).toBeNull();
  });

  test('only where nothing else moves, and only for a part that is away', async () => {
    const stuck = { state: SCHEDULED, attempt: 2, lastFailure: failure('unavailable') };
    expect((await pending(stuck, { state: STARTED, attempt: 1 })).waiting).toBeNull();
    expect((await pending({ ...stuck, lastFailure: failure('internal') })).waiting).toBeNull();
  });
});
