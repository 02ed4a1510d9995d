import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { CliContext } from './context.ts';
import { usageError } from './errors.ts';
import { existingFile, unreadable } from './files.ts';
import type { ExportResult } from './snap-store-proxy/contract.ts';
import { note } from './terminal.ts';

/** The two options that say what the other side has already, with their descriptions: the same words everywhere. */
export const SINCE = [
  '--since <time-or-path>',
  'leave out files that were offered at a time, or are in an archive or a folder of archives that was carried',
] as const;
/** See {@link SINCE}. */
export const INVENTORY = [
  '--inventory <file>',
  'leave out files that the other side has: what export-inventory wrote there',
] as const;

/** What the operator's interface is told to rest on. */
export type BasisRequest =
  | { readonly kind: 'inventory' | 'archives'; readonly path: string }
  | { readonly kind: 'time'; readonly at: string };

const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;
/** As the names of exported files have it. */
const STAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/;

/**
 * Reads the two options.
 *
 * @throws CliError `usage`, `file-unreadable`
 */
export async function basisOf(options: {
  readonly since?: string | undefined;
  readonly inventory?: string | undefined;
}): Promise<{ readonly basis?: BasisRequest }> {
  const { since, inventory } = options;
  if (since !== undefined && inventory !== undefined)
    throw usageError(
      'cannot take --since and --inventory at once: the inventory says more; leave --since out',
    );
  if (inventory !== undefined) return { basis: { kind: 'inventory', path: await existingFile(inventory) } };
  if (since === undefined) return {};
  if (since.endsWith('.json'))
    throw usageError(
      `cannot rest on ${since}: --since takes .tar.gz archives, a folder of them, or a time; what export-inventory wrote goes with --inventory`,
    );
  const at = momentOf(since);
  if (at !== undefined) return { basis: { kind: 'time', at } };
  const found = await stat(since).catch((cause: unknown) => {
    throw unreadable(
      since,
      'there is no such file or folder, and it is no time such as 2026-01-31 or 2026-01-31T12:00:00Z',
      cause,
    );
  });
  const path = found.isDirectory() ? resolve(since) : await existingFile(since);
  return { basis: { kind: 'archives', path } };
}

/** Says what does not come along. */
export function remarkLeftOut(context: CliContext, { leftOut }: ExportResult): void {
  if (leftOut === undefined) return;
  note(
    context.terminal,
    leftOut.files === 0
      ? 'Nothing was left out.'
      : `Left out: ${leftOut.files} files of ${leftOut.bytes} bytes, which must be where this goes to.`,
  );
}

function momentOf(text: string): string | undefined {
  const stamp = STAMP.exec(text);
  if (stamp !== null) {
    const [, year, month, day, hour, minute, second] = stamp;
    return momentOf(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  }
  if (!DAY.test(text) && !MOMENT.test(text)) return undefined;
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) throw usageError(`cannot use --since ${text}: there is no such time`);
  return moment.toISOString();
}
