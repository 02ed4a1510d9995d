import { Context } from '@temporalio/activity';

const INTERVAL_MS = 2_000;
/** A report sooner than this waits for the next beat. */
const REPORT_BYTES = 2 ** 24;

/** How far a step is; `total` where its workflow does not know it. */
export interface StepProgress {
  readonly bytes?: number;
  readonly snaps?: number;
  readonly total?: number;
  /** Why nothing moves though the step runs: one sentence. */
  readonly awaiting?: string;
  /** Of a step that asks another store: it answered once, in this attempt or one before. */
  readonly reached?: true;
}

/** Takes note of how far a step is: the next heartbeat tells it, the first report and every 16 MiB at once. */
export type Report = (progress: StepProgress) => void;

/**
 * Tells Temporal that a long step is alive for as long as `work` runs, and how far it is; the signal is its cancellation.
 */
export async function withHeartbeats<Result>(
  work: (signal: AbortSignal, report: Report) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let last: StepProgress | undefined;
  let told: number | undefined;
  // A beat replaces what the one before said: it says it again.
  const beat = () => context.heartbeat(last);
  const report: Report = (progress) => {
    last = progress;
    const { bytes } = progress;
    if (bytes !== undefined && told !== undefined && bytes - told < REPORT_BYTES) return;
    told = bytes;
    beat();
  };
  const timer = setInterval(beat, INTERVAL_MS);
  try {
    return await work(context.cancellationSignal, report);
  } finally {
    clearInterval(timer);
  }
}
