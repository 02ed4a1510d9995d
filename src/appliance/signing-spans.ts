import type { SigningTimes } from '../hsm/index.ts';
import type { Tracing } from '../telemetry/index.ts';

/** Shows each signature in the trace of whoever asked for it: what went by in queues, and what the token itself took. */
export function signingSpans(tracing: Tracing): (times: SigningTimes) => void {
  return ({ asked, answered, onToken }) => {
    const begun = Math.max(asked, answered - onToken);
    tracing.note('HSM queue', { from: asked, to: begun });
    tracing.note('HSM token', { from: begun, to: answered });
  };
}
