import { z } from 'zod';
import { SnapError } from './errors.ts';
import { quote } from './names.ts';

/**
 * Which generations of a snap's data a revision understands (`read`) and leaves behind (`write`).
 * Both lists ascend, hold one to ten numbers, and have one in common.
 */
export interface Epoch {
  readonly read: readonly number[];
  readonly write: readonly number[];
}

/** What a snap without an epoch has. */
export const EPOCH_ZERO: Epoch = { read: [0], write: [0] };

const LIST_MAX = 10;
const number = z.int().min(0).max(0xffff_ffff);
const structured = z.strictObject({
  read: z.array(number).nullish(),
  write: z.array(number).nullish(),
});

/**
 * Reads an epoch in any form of snap.yaml or of the store's JSON: nothing, `3`, `"3"`, `"3*"` (reads 2 and 3,
 * writes 3) or `{read, write}` with either side derived from the other. Throws `epoch-invalid`.
 */
export function parseEpoch(value: unknown): Epoch {
  if (value === undefined || value === null || value === '') return EPOCH_ZERO;
  if (typeof value === 'number') return parseShort(String(value));
  if (typeof value === 'string') return parseShort(value);
  const parsed = structured.safeParse(value);
  if (!parsed.success) throw invalid('it must be a number, a number with a star, or read and write lists');
  const write = parsed.data.write ?? parsed.data.read?.slice(-1) ?? [0];
  const read = parsed.data.read ?? write;
  check(read, 'read');
  check(write, 'write');
  if (!read.some((n) => write.includes(n))) throw invalid('its read and write lists must share a number');
  return { read, write };
}

function parseShort(text: string): Epoch {
  const match = /^(0|[1-9][0-9]{0,9})(\*?)$/.exec(text);
  const value = Number(match?.[1] ?? Number.NaN);
  if (!match || value > 0xffff_ffff) throw invalid(`${quote(text)} is not a number with an optional star`);
  if (match[2] === '') return { read: [value], write: [value] };
  if (value === 0) throw invalid('0* has no generation before it');
  return { read: [value - 1, value], write: [value] };
}

function check(list: readonly number[], side: string): void {
  if (list.length === 0 || list.length > LIST_MAX)
    throw invalid(`its ${side} list must have 1 to ${LIST_MAX} numbers`);
  for (let i = 1; i < list.length; i++) {
    if ((list[i] ?? 0) <= (list[i - 1] ?? 0)) throw invalid(`its ${side} list must ascend`);
  }
}

function invalid(reason: string): SnapError {
  return new SnapError('epoch-invalid', `cannot use the epoch: ${reason}`);
}

/** Whether a revision with the epoch `next` can take over the data that `current` has written. */
export function canRead(next: Epoch, current: Epoch): boolean {
  return next.read.some((n) => current.write.includes(n));
}
