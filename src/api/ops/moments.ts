/**
 * Gives moments that are each of another second, because files and processes are named by the second that they began in: who
 * begins in a second that is taken gets the next one.
 */
export function distinctSeconds(clock: () => Date): () => Date {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock().getTime();
    const moment = secondOf(now) > last ? now : (last + 1) * 1000;
    last = secondOf(moment);
    return new Date(moment);
  };
}

function secondOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
