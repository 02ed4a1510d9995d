import type { CliContext } from './context.ts';
import type { HttpClient } from './http-client.ts';
import { runOperation } from './operations.ts';
import { withBar } from './progress.ts';
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
  const result = await withBar(context, (onProgress, beside) =>
    runOperation(beside, client, path, { json }, exportResult, {
      watch,
      onProgress: ({ done, total }) => onProgress(done, total),
    }),
  );
  for (const warning of result.warnings) note(context.terminal, `warning: ${warning}`);
  if (result.loginRefreshed !== undefined)
    note(
      context.terminal,
      `The log-in was refreshed at ${result.loginRefreshed} for this fetch; its file stays as it is.`,
    );
  return result;
}
