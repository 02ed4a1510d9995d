import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { runOperation } from '../operations.ts';
import { operatorClient } from '../operator.ts';
import { print, printJson } from '../terminal.ts';
import { movedBlobs } from './contract.ts';

/** `move-blobs`: brings the files of snaps to where `proxy.storage.backend` says, after it was changed. */
export function moveBlobsCommand(context: CliContext) {
  return new Command('move-blobs')
    .description('move the files of snaps to where proxy.storage.backend says')
    .option('--watch', 'tell where Temporal UI shows the move')
    .option('--json', 'print the result as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const moved = await runOperation(context, client, '/ops/v1/blobs/move', {}, movedBlobs, {
        watch: options.watch,
      });
      if (options.json) return printJson(context.terminal, moved);
      const place = moved.backend === 's3' ? 'the bucket' : 'the folder';
      print(context.terminal, `${moved.files} files moved to ${place} (${moved.bytes} bytes)`);
    });
}
