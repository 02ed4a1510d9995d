import { AirlockError, isAirlockError } from '../../errors.ts';

/** Below so much, databases cannot be relied on to write. */
const FULL_BYTES = 4 * 2 ** 20;
/** How it looks from here when the Temporal server cannot write. */
const AWAY: ReadonlySet<string> = new Set(['temporal-unreachable', 'process-timed-out']);

/**
 * The same error, with what the operator can do about it where the disk is full: a Temporal server that cannot write answers nobody, and
 * does not say why.
 */
export async function namingFullDisk(failure: unknown, free: () => Promise<number>): Promise<unknown> {
  if (!isAirlockError(failure) || !AWAY.has(failure.code)) return failure;
  const left = await free().catch(() => Number.POSITIVE_INFINITY);
  if (left > FULL_BYTES) return failure;
  return new AirlockError(
    'unavailable',
    'disk-full',
    'cannot reach the Temporal server, and the disk is full: make room',
    { cause: failure },
  );
}
