import type { CliContext } from './context.ts';
import type { HttpClient } from './http-client.ts';
import { runOperation } from './operations.ts';
import { ProgressBar } from './progress.ts';
import { exportResult, type ExportResult } from './snap-store-proxy/contract.ts';
import { note } from './terminal.ts';

/**
 * Runs an export or a fetch to its end, with a bar and its warnings on standard error.
 *
 * @param path the route that starts it
 * @throws CliError `workflow-failed`
 */
export async function runTransfer(
  context: CliContext,
  client: HttpClient,
  path: '/ops/v1/exports' | '/ops/v1/fetches',
  json: object,
  watch: true | undefined,
): Promise<ExportResult> {
  const { stdin, stderr, env } = context.terminal;
  const bar = new ProgressBar({ stdin, stdout: stderr, stderr, env });
  try {
    const result = await runOperation(context, client, path, { json }, exportResult, {
      watch,
      onProgress: ({ done, total }) => bar.update(total === 0 ? 0 : done / total),
    });
    for (const warning of result.warnings) note(context.terminal, `warning: ${warning}`);
    return result;
  } finally {
    bar.abandon();
  }
}
