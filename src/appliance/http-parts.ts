import type { TokenStanding } from '../api/admin/index.ts';
import type { TokenFacts } from '../api/ops/deps.ts';
import type { HsmFacts } from '../api/watch/health.ts';
import type { TokenOffice } from '../storage/authority/index.ts';
import type { Foundation } from './foundation.ts';
import type { Role } from './roles.ts';
import type { Temporal } from './temporal.ts';

/** What the apps are made from, besides what is persistent. */
export interface HttpOptions {
  readonly role: Role;
  /** Whether a worker of the `hsm` queue runs in this process. */
  readonly worksHere: boolean;
  readonly status: {
    /** How each HSM token is, where this process has them. */
    readonly hsm: () => readonly (HsmFacts & TokenFacts & TokenStanding)[];
    /** Where this API listens. */
    readonly url: () => string;
  };
}

/** What several apps of one process share. */
export interface Shared extends Omit<HttpOptions, 'role'> {
  readonly foundation: Foundation;
  readonly temporal: Temporal;
  readonly tokens: TokenOffice;
  readonly random: (bytes: number) => Uint8Array;
  readonly report: (error: unknown) => void;
}
