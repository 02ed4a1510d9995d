import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { describe, expect, test } from 'vitest';
import { pendingSteps } from '../../../src/api/ops/pending-steps.ts';

type Steps = NonNullable<Parameters<typeof pendingSteps>[0]['raw']['pendingActivities']>;

const { PENDING_ACTIVITY_STATE_SCHEDULED: SCHEDULED, PENDING_ACTIVITY_STATE_STARTED: STARTED } =
  proto.temporal.api.enums.v1.PendingActivityState;
const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });
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

  test('between two attempts, and not while one runs, whether it tells how far it is or nothing', async () => {
    const lastFailure = failure('unavailable');
    expect((await pending({ state: SCHEDULED, attempt: 2, lastFailure })).waiting).toEqual(waiting);
    const running = { state: STARTED, attempt: 2, lastFailure };
    expect((await pending(running)).waiting).toBeNull();
    expect((await pending({ ...running, heartbeatDetails: payloads({ bytes: 5 }) })).waiting).toBeNull();
  });

  test('while it runs and says that it has no answer yet, until another one gets on', async () => {
    const awaiting = 'cannot reach the store: it has not answered yet';
    const silent = { state: STARTED, attempt: 1, heartbeatDetails: payloads({ awaiting }) };
    const said = { code: 'upstream-silent', message: awaiting, attempt: 1 };
    expect((await pending(silent, silent)).waiting).toEqual(said);
    const moving = { state: STARTED, attempt: 1, heartbeatDetails: payloads({ bytes: 5 }) };
    expect((await pending(silent, moving)).waiting).toBeNull();
    expect((await pending({ ...silent, attempt: 2, lastFailure: failure('unavailable') })).waiting).toEqual(
      waiting,
    );
  });

  test('only where no other runs, and only for a part that is away', async () => {
    const stuck = { state: SCHEDULED, attempt: 2, lastFailure: failure('unavailable') };
    expect((await pending(stuck, { state: STARTED, attempt: 1 })).waiting).toBeNull();
    expect((await pending({ ...stuck, lastFailure: failure('internal') })).waiting).toBeNull();
  });
});
