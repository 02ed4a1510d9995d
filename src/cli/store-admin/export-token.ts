import { join } from 'node:path';

import { Command } from '@commander-js/extra-typings';

import { authorityClient } from '../authority/client.ts';
import { issueToken } from '../authority/tokens.ts';
import type { CliContext } from '../context.ts';
import { makeExportFolder, save } from '../files.ts';
import { listOption } from '../lists.ts';
import { note, printJson } from '../terminal.ts';
import { reportToken } from './export.ts';

/**
 * `store-admin export token ACCOUNT`: a credential of an authority for commands that nobody sits at (protocol/operators.md, section
 * 2.1). It can be made narrower here, and by whoever holds it.
 */
export function exportTokenCommand(context: CliContext) {
  return new Command('token')
    .description('export a credential of an authority, for commands that nobody sits at')
    .argument('<account>', 'id, username or e-mail address')
    .addOption(
      listOption('--acls <permissions>', 'permissions, with commas between them').default(
        ['package_access', 'store_admin'],
        'package_access,store_admin',
      ),
    )
    .addOption(listOption('--stores <ids>', 'only for these stores'))
    .addOption(listOption('--snaps <names>', 'only for these snaps'))
    .addOption(listOption('--channels <patterns>', 'only for these channels'))
    .option('--ttl <duration>', 'how long it lasts: 30m, 12h or 90d', '365d')
    .option('--export-dir <folder>', 'where to write the file')
    .option('--json', 'print file and session as JSON')
    .action(async (account, options) => {
      const client = await authorityClient(context);
      const folder = await makeExportFolder(context, options.exportDir);
      const { macaroon, sessionId, expires } = await issueToken(client, account, {
        ...options,
        description: 'store-admin export token',
      });
      const file = join(folder, `store-admin-token-${sessionId.slice(0, 12)}.macaroon`);
      await save(file, macaroon, 0o600);
      if (options.json) return printJson(context.terminal, { file, sessionId, expires });
      reportToken(context, file);
      note(
        context.terminal,
        `Session ${sessionId}, valid until ${expires}; "airlock authority revoke-token" ends it.`,
      );
    });
}
