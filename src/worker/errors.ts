import { AirlockError } from '../errors.ts';

/** What can keep the workers or their server from running. */
export type WorkerErrorCode =
  /** The Temporal CLI was not found: `npm run setup` brings it, or `AIRLOCK_TEMPORAL_CLI` names it. */
  | 'temporal-cli-missing'
  | 'temporal-port-in-use'
  /** The Temporal server of `airlock up` does not start: the sentence has what it said last. */
  | 'temporal-server-failed'
  | 'temporal-database-damaged'
  | 'temporal-unreachable'
  | 'temporal-namespace-missing'
  | 'temporal-tls-unreadable'
  /** The bundle of the workflows cannot be made or kept: its folder must be writable, and of this user alone. */
  | 'workflows-unbundled'
  | 'payload-sealed-with-unknown-key'
  | 'payload-broken';

/** A Temporal server, connection, worker or payload that cannot be used. */
export class WorkerError extends AirlockError<WorkerErrorCode> {}
