import { randomBytes } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { createAuthoritySigningActivities } from '../activities/authority-signing.ts';
import { createAuthorityActivities } from '../activities/authority.ts';
import { createBackupActivities } from '../activities/backups.ts';
import { createBlobActivities } from '../activities/blobs.ts';
import { withFailures } from '../activities/errors.ts';
import { createDeltaActivities } from '../activities/deltas.ts';
import { createExportActivities } from '../activities/exports.ts';
import { createFetchActivities } from '../activities/fetches.ts';
import { createImportActivities } from '../activities/imports.ts';
import { createReleaseActivities } from '../activities/releases.ts';
import { createSerialActivities, type SerialActivityDeps } from '../activities/serials.ts';
import { createSigningKeyActivities } from '../activities/signing-keys.ts';
import { submitAsConfigured } from '../activities/signing-keys/submit-request.ts';
import { createSweepActivities } from '../activities/sweeps.ts';
import { createUploadActivities } from '../activities/uploads.ts';
import type { HsmTokens } from '../hsm/index.ts';
import { TokenOffice } from '../storage/authority/index.ts';
import { ACCOUNT_KEY_PUSHED, registerKeyId } from '../workflows/serials-contract.ts';
import { installRuntime } from '../worker/runtime.ts';
import { ensureSchedules } from '../worker/schedules.ts';
import { startWorkers, type Workers } from '../worker/worker.ts';
import { exportFolderOf, type Foundation } from './foundation.ts';
import type { Temporal } from './temporal.ts';
import { openTokens } from './hsm-tokens.ts';
import { RECURRING } from './recurring.ts';

/** The work of one process: its workers, and the tokens that they sign with. */
export interface Work {
  readonly hsmTokens: HsmTokens;
  readonly workers: Workers;
  /** Finishes what is in flight, then lets the tokens go. */
  stop(): Promise<void>;
}

/** What an API in the same process wants to hear. */
export interface WorkOptions {
  readonly announce?: SerialActivityDeps['announce'];
}

/** Opens the tokens and starts to work on every task queue. */
export async function startWork(
  foundation: Foundation,
  temporal: Temporal,
  options: WorkOptions = {},
): Promise<Work> {
  const { database, blobs, settings, clock, log, tracing } = foundation;
  installRuntime(temporal.config, log);
  const { tokens, close: closeTokens } = await openTokens(foundation);
  const imports = createImportActivities({
    database,
    blobs,
    now: clock,
    accountKeyPushed: accountKeySignal(temporal),
  });
  const exportFolder = exportFolderOf(foundation.dataFolder);
  const exports = createExportActivities({
    database,
    blobs,
    settings,
    tokens: new TokenOffice({ database, settings, random: (size) => new Uint8Array(randomBytes(size)) }),
    now: clock,
    exportFolder,
    location: 'airlock',
  });
  const fetches = createFetchActivities({
    database,
    blobs,
    settings,
    now: clock,
    exportFolder,
  });
  const { dataFolder } = foundation;
  const backups = createBackupActivities({ dataFolder, database, settings, blobs, clock });
  const workers = await startWorkers({
    config: temporal.config,
    connection: temporal.connection.connection,
    dataConverter: temporal.dataConverter,
    log,
    tracing,
    activities: {
      airlock: withFailures({
        ...createAuthorityActivities({ database }),
        ...createReleaseActivities({ database }),
        ...createSweepActivities({ database, blobs, exportFolder, clock }),
        ...backups,
        ...imports,
        ...exports,
        ...fetches,
      }),
      transfer: withFailures({
        ...createUploadActivities({ database, blobs, now: clock }),
        ...createDeltaActivities({ database, blobs, now: clock }),
        ...createBlobActivities({ database, blobs, clock }),
        ...backups,
        ...imports,
        ...exports,
        ...fetches,
      }),
      hsm: withFailures({
        ...createAuthoritySigningActivities({ database, tokens }),
        ...createSigningKeyActivities({ database, tokens, clock, submit: submitAsConfigured(settings) }),
        ...createSerialActivities({
          database,
          tokens,
          clock,
          log,
          tracing,
          ...(options.announce && { announce: options.announce }),
        }),
      }),
    },
  });
  await ensureSchedules(temporal.connection.client, temporal.config, RECURRING);
  return {
    hsmTokens: tokens,
    workers,
    async stop() {
      await workers.stop();
      await closeTokens();
    },
  };
}

/** Tells the registration that waits for an account-key, if there is one, that it is here. */
function accountKeySignal({ connection: { client } }: Temporal) {
  return async (keyId: string): Promise<void> => {
    try {
      await client.workflow.getHandle(registerKeyId(keyId)).signal(ACCOUNT_KEY_PUSHED);
    } catch (error) {
      // Most account-keys are of keys that nobody registers from here.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  };
}
