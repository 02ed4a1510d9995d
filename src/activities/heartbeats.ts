import { Context } from '@temporalio/activity';

const INTERVAL_MS = 5_000;

/** Tells Temporal that a long step is alive for as long as `work` runs; the signal is its cancellation. */
export async function withHeartbeats<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), INTERVAL_MS);
  try {
    return await work(context.cancellationSignal);
  } finally {
    clearInterval(beat);
  }
}
