import type { Fault } from './protocol.ts';

/** What one call asks of a token, without the number that a connection gives it. */
export type Task = RepeatableTask | WritingTask;

/** Changes nothing on the token, so it may be asked again when its connection is lost. */
export type RepeatableTask =
  | { readonly op: 'sign'; readonly key: string; readonly digest: Uint8Array }
  | { readonly op: 'find'; readonly key: string }
  | { readonly op: 'list' }
  | { readonly op: 'ping' };

/** Changes the objects of the token. */
export type WritingTask =
  | { readonly op: 'generate'; readonly key: string; readonly label: string; readonly bits: number }
  | { readonly op: 'delete'; readonly key: string };

/** How a call ended: with the token's answer, with the token's refusal, or with the loss of its connection. */
export type Outcome =
  | { readonly answered: unknown }
  | { readonly fault: Fault }
  /** `timedOut` when we ended the connection because it did not answer. */
  | { readonly lost: string; readonly timedOut: boolean };

/** A task on its way, with whom to tell. `settle` is called once per dispatch. */
export interface Job {
  readonly task: Task;
  readonly settle: (outcome: Outcome) => void;
}
