import { createAuthoritySigningActivities } from '../activities/authority-signing.ts';
import { createAuthorityActivities } from '../activities/authority.ts';
import { withFailures } from '../activities/errors.ts';
import { createReleaseActivities } from '../activities/releases.ts';
import { createSerialActivities, type SerialActivityDeps } from '../activities/serials.ts';
import { createUploadActivities } from '../activities/uploads.ts';
import type { Hsm } from '../hsm/index.ts';
import { installRuntime } from '../worker/runtime.ts';
import { startWorkers, type Workers } from '../worker/worker.ts';
import type { Foundation } from './foundation.ts';
import type { Temporal } from './temporal.ts';
import { openToken } from './token.ts';

/** The work of one process: its workers, and the token that they sign with. */
export interface Work {
  readonly hsm: Hsm;
  readonly workers: Workers;
  /** Finishes what is in flight, then lets the token go. */
  stop(): Promise<void>;
}

/** What an API in the same process wants to hear. */
export interface WorkOptions {
  readonly announce?: SerialActivityDeps['announce'];
}

/** Opens the token and starts to work on every task queue. */
export async function startWork(
  foundation: Foundation,
  temporal: Temporal,
  options: WorkOptions = {},
): Promise<Work> {
  const { database, blobs, clock, log } = foundation;
  installRuntime(temporal.config, log);
  const hsm = await openToken(foundation);
  const workers = await startWorkers({
    config: temporal.config,
    connection: temporal.connection.connection,
    dataConverter: temporal.dataConverter,
    log,
    activities: {
      airlock: withFailures({
        ...createAuthorityActivities({ database }),
        ...createReleaseActivities({ database }),
      }),
      transfer: withFailures({
        ...createUploadActivities({ database, blobs, now: clock }),
      }),
      hsm: withFailures({
        ...createAuthoritySigningActivities({ database, hsm }),
        ...createSerialActivities({
          database,
          hsm,
          clock,
          ...(options.announce && { announce: options.announce }),
        }),
      }),
    },
  });
  return {
    hsm,
    workers,
    async stop() {
      await workers.stop();
      await hsm.close();
    },
  };
}
