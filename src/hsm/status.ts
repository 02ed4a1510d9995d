import type { HsmState, HsmStatus } from './hsm.ts';
import type { Trouble } from './supervisor.ts';

/** What the state and its words are made from. */
export interface StatusView {
  readonly open: number;
  readonly wanted: number;
  readonly trouble: Trouble | undefined;
  /** Why the token does not take the PIN that is set, which open connections have not met. */
  readonly pinRefused: string | undefined;
  /** Milliseconds until the next attempt. */
  readonly nextTryIn: number;
  readonly closed: boolean;
  readonly label: string;
}

/** The state of the HSM as one word for programs. */
export function stateOf({ open, wanted, trouble, pinRefused, closed }: StatusView): HsmState {
  if (closed) return 'closed';
  if (open >= wanted && pinRefused === undefined) return 'ready';
  if (open > 0) return 'degraded';
  if (!trouble) return 'starting';
  return trouble.pinRefused ? 'pin-refused' : 'down';
}

/** The state of the HSM as a sentence for people: what it waits for, and what they can do. */
export function describe(view: StatusView): string {
  const { open, wanted, trouble, nextTryIn, pinRefused, label } = view;
  const why = trouble?.reason ?? 'a connection is being opened';
  switch (stateOf(view)) {
    case 'closed':
      return 'shut down';
    case 'starting':
      return `opens the token "${label}"`;
    case 'ready':
      return `signs with the token "${label}" over ${connections(open)}`;
    case 'degraded':
      if (pinRefused !== undefined)
        return `signs with the token "${label}" over ${connections(open)}, but the PIN that is set is not the token's: ${pinRefused}; set the right one, for until then no other connection is opened and no key is made`;
      return `signs with the token "${label}" over ${connections(open)} of ${wanted}: ${why}`;
    case 'down':
      return `waits for the token "${label}": ${why}; tries again ${inSeconds(nextTryIn)}`;
    case 'pin-refused':
      return `waits for the PIN of the token "${label}" to be put right: ${why}; no PIN is sent until then`;
  }
}

/** Why a token cannot sign now, in words; undefined when it can. A test signature that failed counts until one succeeds. */
export function signingFailure(status: Pick<HsmStatus, 'state' | 'words' | 'lastProbe'>): string | undefined {
  const { state, words, lastProbe } = status;
  if (state !== 'ready' && state !== 'degraded') return words;
  return lastProbe?.failure === undefined
    ? undefined
    : `the last test signature failed: ${lastProbe.failure}`;
}

function connections(count: number): string {
  return count === 1 ? '1 connection' : `${count} connections`;
}

function inSeconds(milliseconds: number): string {
  return milliseconds < 100 ? 'now' : `in ${(milliseconds / 1000).toFixed(1)} s`;
}
