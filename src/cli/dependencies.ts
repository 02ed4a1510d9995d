import type { CliContext } from './context.ts';
import type { ExportResult } from './snap-store-proxy/contract.ts';
import { note } from './terminal.ts';

/** The option that brings what snaps need, with its description: the same words everywhere. */
export const WITH_DEPENDENCIES = [
  '--with-dependencies',
  'bring along what the snaps need, from latest/stable: bases, snapd, default providers, and what those need',
] as const;

/** Says what came along. */
export function remarkDependencies(context: CliContext, { dependencies }: ExportResult): void {
  if (dependencies === undefined) return;
  note(
    context.terminal,
    dependencies.length === 0
      ? 'Nothing more had to come along.'
      : `Came along, as others need it: ${dependencies.join(', ')}.`,
  );
}
