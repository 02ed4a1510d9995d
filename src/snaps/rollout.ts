import { createHash } from 'node:crypto';

/** How far a progressive release has come. */
export interface Rollout {
  /** Share of the devices that get it, 0 to 100. */
  readonly percentage: number;
  /** While true nobody new gets it; who has it keeps it. */
  readonly paused: boolean;
  /** Constant for one release, different between releases: each has its own queue of devices. */
  readonly key: string;
}

/**
 * Where a device stands in the queue of one release, from 0 (first) to just under 100. It depends on nothing else,
 * so a device that is in stays in while the percentage grows.
 */
export function rolloutPosition(key: string, device: string): number {
  const digest = createHash('sha256').update(`${key}\n${device}`).digest();
  return (digest.readUInt32BE(0) / 0x1_0000_0000) * 100;
}

/** Who asks for a revision that is being rolled out. */
export interface RolloutSubject {
  /** A stable name of the device or of its cohort; undefined for a client that proved no identity. */
  readonly identity: string | undefined;
  /** The revision it has now. */
  readonly installed: number | undefined;
}

/** Whether the subject gets the revision now. A nameless client gets it only once everybody does. */
export function isInRollout(
  rollout: Rollout,
  revision: number,
  { identity, installed }: RolloutSubject,
): boolean {
  if (installed === revision) return true;
  if (rollout.paused) return false;
  if (rollout.percentage >= 100) return true;
  if (identity === undefined) return false;
  return rolloutPosition(rollout.key, identity) < rollout.percentage;
}
