import { AirlockError } from '../errors.ts';

/** What can keep the workers or their server from running. */
export type WorkerErrorCode =
  | 'temporal-cli-missing'
  | 'temporal-port-in-use'
  | 'temporal-server-failed'
  | 'temporal-database-damaged'
  | 'temporal-unreachable'
  | 'temporal-namespace-missing'
  | 'temporal-tls-unreadable'
  | 'workflows-unbundled'
  | 'payload-sealed-with-unknown-key'
  | 'payload-broken';

/** A Temporal server, connection, worker or payload that cannot be used. */
export class WorkerError extends AirlockError<WorkerErrorCode> {}
