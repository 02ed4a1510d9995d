import type { Command } from '@commander-js/extra-typings';

import { operatorProgram } from '../connection-options.ts';
import { backupCommand, restoreCommand } from '../backup/commands.ts';
import type { CliContext } from '../context.ts';
import { addAdminCommand } from './add-admin.ts';
import { checkConnectionsCommand } from './check-connections.ts';
import { importCertificateCommand, removeCaCertsCommand, useCaCertsCommand } from './certificates.ts';
import { configCommand } from './config.ts';
import { enableAirgapModeCommand } from './enable-airgap-mode.ts';
import { exportInventoryCommand } from './export-inventory.ts';
import { fetchAccountKeysCommand, fetchMetadataCommand, fetchSnapsCommand } from './fetch.ts';
import { listActsCommand } from './list-acts.ts';
import { listImportsCommand } from './imports.ts';
import { listDevicesCommand } from './list-devices.ts';
import { listPushedSnapsCommand } from './list-pushed-snaps.ts';
import { deleteOverrideCommand, listOverridesCommand, overrideCommand } from './overrides.ts';
import { pushAccountKeysCommand, pushMetadataCommand, pushSnapCommand, pushStoreCommand } from './push.ts';
import { moveBlobsCommand } from './move-blobs.ts';
import { deleteSnapCommand, pruneCommand } from './remove.ts';
import { rollBackCommand } from './roll-back.ts';
import { rotateDeviceSecretCommand, rotateMasterKeyCommand } from './rotation.ts';
import { statusCommand } from './status.ts';

/** `snap-store-proxy`, `snap-proxy` and `enterprise-store`: what a store's operator does. */
export function snapStoreProxyProgram(context: CliContext): Command {
  const program: Command = operatorProgram(context, 'snap-store-proxy')
    .description('fetch, push and serve snaps')
    .addCommand(statusCommand(context))
    .addCommand(checkConnectionsCommand(context))
    .addCommand(configCommand(context))
    .addCommand(enableAirgapModeCommand(context))
    .addCommand(fetchSnapsCommand(context))
    .addCommand(fetchMetadataCommand(context))
    .addCommand(fetchAccountKeysCommand(context))
    .addCommand(pushStoreCommand(context))
    .addCommand(pushSnapCommand(context, 'push-snap'))
    .addCommand(pushSnapCommand(context, 'push-snaps'))
    .addCommand(pushMetadataCommand(context))
    .addCommand(pushAccountKeysCommand(context))
    .addCommand(listPushedSnapsCommand(context))
    .addCommand(exportInventoryCommand(context))
    .addCommand(addAdminCommand(context))
    .addCommand(overrideCommand(context))
    .addCommand(listOverridesCommand(context))
    .addCommand(deleteOverrideCommand(context))
    .addCommand(listDevicesCommand(context))
    .addCommand(listActsCommand(context))
    .addCommand(listImportsCommand(context))
    .addCommand(rollBackCommand(context))
    .addCommand(deleteSnapCommand(context))
    .addCommand(pruneCommand(context))
    .addCommand(moveBlobsCommand(context))
    .addCommand(importCertificateCommand(context))
    .addCommand(useCaCertsCommand(context))
    .addCommand(removeCaCertsCommand(context))
    .addCommand(rotateDeviceSecretCommand(context))
    .addCommand(rotateMasterKeyCommand(context))
    .addCommand(backupCommand(context))
    .addCommand(restoreCommand(context));
  return program;
}
