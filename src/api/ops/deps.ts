import type { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { BlobStore, Database, SettingStore } from '../../storage/index.ts';
import type { OverrideBook } from '../overrides/book.ts';

/** The master keys, as far as a rotation needs them; `SecretBox` and `DataFolder` of src/config together. */
export interface MasterKeys {
  /** Puts a new key in front; resolves to its id. Throws `master-key-external` when the keys are kept elsewhere. */
  rotate(): Promise<string>;
  /** The same secret under the newest key. */
  reseal(name: string, sealed: string): string;
}

/** How one HSM token is. */
export interface TokenFacts {
  readonly name: string;
  readonly state: string;
  readonly words: string;
  /** Why it cannot sign now, in words; undefined when it can. */
  readonly failure: string | undefined;
  /** Ids on the token of keys in use that were not found there. */
  readonly lastProbe: { readonly missing: readonly string[] } | undefined;
}

/** What the operator's interface needs from the host. */
export interface OpsDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly masterKeys: MasterKeys;
  readonly overrides: OverrideBook;
  readonly client: Client;
  /** Opens what workflows and heartbeats hold; the codecs of the data converter. */
  readonly codecs: readonly PayloadCodec[];
  /** Base address of Temporal UI; null when there is none. */
  readonly temporalUi: string | null;
  readonly temporalHealthy: () => Promise<boolean>;
  /** How each HSM token is, as far as this process knows; empty when another process has them. */
  readonly hsm: () => readonly TokenFacts[];
  /** Where the API is reached when nobody configured an address. */
  readonly url: () => string;
  readonly clock: () => Date;
  readonly random: (bytes: number) => Uint8Array;
  readonly report: (error: unknown) => void;
}
