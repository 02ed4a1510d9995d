import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { errorOfFailure, failureOf, withFailures } from '../../src/activities/errors.ts';
import { AirlockError, type ErrorKind } from '../../src/errors.ts';

/** As a client meets what an activity threw. */
function asClientSees(cause: Error): Error {
  const step = new ActivityFailure(
    'Activity task failed',
    'step',
    '1',
    'NON_RETRYABLE_FAILURE',
    'worker',
    cause,
  );
  return new WorkflowFailedError('Workflow execution failed', step, 'NON_RETRYABLE_FAILURE');
}

describe('errors on their way through Temporal', () => {
  const kinds: readonly (readonly [ErrorKind, boolean])[] = [
    ['invalid', false],
    ['unauthenticated', false],
    ['forbidden', false],
    ['not-found', false],
    ['conflict', false],
    ['too-large', false],
    ['unavailable', true],
    ['internal', true],
  ];

  test.each(kinds)('%s: retried %s, and whole on the other side', (kind, retried) => {
    const failure = failureOf(new AirlockError(kind, 'some-code', 'cannot do it'));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'some-code', nonRetryable: !retried });
    expect(errorOfFailure(asClientSees(failure))).toMatchObject({
      kind,
      code: 'some-code',
      message: 'cannot do it',
    });
  });

  test('a step throws its errors as failures, and gives its results as they are', async () => {
    const steps = withFailures({
      good: async (n: number) => n + 1,
      bad: async (): Promise<void> => {
        throw new AirlockError('conflict', 'taken', 'cannot take it: it is taken');
      },
    });
    expect(await steps.good(1)).toBe(2);
    await expect(steps.bad()).rejects.toMatchObject({ type: 'taken', nonRetryable: true });
  });

  test('cancellation stays what it is', () => {
    const cancelled = new CancelledFailure('cancelled');
    expect(failureOf(cancelled)).toBe(cancelled);
    expect(errorOfFailure(asClientSees(cancelled))).toMatchObject({
      kind: 'unavailable',
      code: 'process-cancelled',
    });
  });

  test('what ran out of time may be asked for again', () => {
    const late = new TimeoutFailure('activity timeout', undefined, 'START_TO_CLOSE');
    expect(errorOfFailure(asClientSees(late))).toMatchObject({
      kind: 'unavailable',
      code: 'process-timed-out',
    });
  });

  test('what is not ours tells nothing about itself', () => {
    const error = errorOfFailure(
      asClientSees(ApplicationFailure.create({ message: 'TypeError: secret', type: 'TypeError' })),
    );
    expect(error).toMatchObject({ kind: 'internal', code: 'process-failed' });
    expect(error.message).not.toContain('secret');
    expect(errorOfFailure('not even an error')).toMatchObject({ kind: 'internal' });
  });
});
