import type { KeyObject } from 'node:crypto';

import type { Assertion } from '../../../assertions/index.ts';
import type { Queries } from '../../../storage/index.ts';
import type { NewIntent } from '../../../storage/model-service/index.ts';
import type { GroupFacts } from './group-facts.ts';
import type { SigningEntry } from './model-book.ts';

/** What an applicant is judged with, inside the transaction of its group. */
export interface Bench {
  readonly queries: Queries;
  readonly facts: GroupFacts;
  readonly now: Date;
  readonly apiKeyPepper: KeyObject;
  readonly claimSecret: (brandId: string, model: string) => Uint8Array;
  /** Throws `DeviceError` `too-busy` when too many wait for this HSM token. */
  readonly checkCapacity: (token: string, intent?: string) => void;
  /** Any signing key with its account-key, as the database has it. */
  readonly signingOf: (keyId: string) => Promise<SigningEntry>;
  /** Intents to be inserted when the whole group is judged. */
  readonly intents: NewIntent[];
  /** Request-ids to be marked as used. */
  readonly spent: { requestId: string; deviceKeyId: string; expiresAt: Date }[];
  /** Verified model assertions that let others than the brand sign, and under which serials are promised. */
  readonly models: Assertion[];
  /** API keys that were used. */
  readonly apiKeyUses: { brandId: string; modelName: string; name: string }[];
}

/** The database moved on while a group was judged. No refusal: the transaction is undone and tried again. */
export class Overtaken extends Error {
  constructor() {
    super('another host or request was quicker with what this one needs');
  }
}

/** Goes on where the database did what was asked; throws {@link Overtaken} where another one was quicker. */
export function unlessOvertaken(done: boolean): void {
  if (!done) throw new Overtaken();
}
