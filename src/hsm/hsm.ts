import { z } from 'zod';
import { HsmError } from './errors.ts';
import type { RsaPublicKey } from './key-store.ts';
import type { TokenDescription } from './protocol.ts';

export type { RsaPublicKey } from './key-store.ts';
export type { TokenDescription } from './protocol.ts';

const keyIdSchema = z
  .string()
  .transform((text) => text.toLowerCase().replaceAll('-', ''))
  .pipe(z.string().regex(/^(?:[0-9a-f]{2}){1,64}$/))
  .brand('HsmKeyId');

/** A CKA_ID of 1 to 64 bytes in lower-case hex; made only by {@link parseHsmKeyId}. */
export type HsmKeyId = z.infer<typeof keyIdSchema>;

/** Reads hex, or a UUID with its dashes. Throws {@link HsmError} `hsm-input-invalid`. */
export function parseHsmKeyId(text: string): HsmKeyId {
  const parsed = keyIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new HsmError(
    'hsm-input-invalid',
    'cannot use this id for an HSM key: it must be 1 to 64 bytes in hex',
  );
}

/** A key pair on the token. */
export interface HsmKey {
  readonly id: HsmKeyId;
  readonly label: string;
  readonly publicKey: RsaPublicKey;
}

export type HsmState =
  /** The first connection is on its way. */
  | 'starting'
  /** Every connection is open. */
  | 'ready'
  /** Signs, with fewer connections than asked for, or with a PIN set that would open no other. */
  | 'degraded'
  /** No connection; it is tried again and again. */
  | 'down'
  /** The PIN was refused; nothing is tried until it changes. */
  | 'pin-refused'
  | 'closed';

/** How the HSM is, for status pages, metrics and logs. Holds no secret. */
export interface HsmStatus {
  readonly state: HsmState;
  /** The state in a sentence, with what is waited for. */
  readonly words: string;
  /** Why the token does not take the PIN that is set, also while open connections sign; undefined when it took it, or was not asked. */
  readonly pinRefused: string | undefined;
  /** The token as it describes itself, once it has been reached. */
  readonly token: TokenDescription | undefined;
  readonly connections: { readonly open: number; readonly wanted: number; readonly attempts: number };
  /** Calls that wait for their turn, and calls that the token works on. */
  readonly waiting: number;
  readonly inFlight: number;
  /** Verified signatures handed out since the start, by key; probes are not counted. */
  readonly signatures: ReadonlyMap<HsmKeyId, number>;
  readonly lastProbe: HsmProbe | undefined;
}

/** What a test signature found. */
export interface HsmProbe {
  readonly at: Date;
  /** From the call to the verified signature, waiting included; unset when the probe failed. */
  readonly milliseconds: number | undefined;
  /** The key that signed; unset when the token holds none in use and was only asked for a sign of life. */
  readonly key: HsmKeyId | undefined;
  /** Keys in use that are not on the token, which works otherwise. */
  readonly missing: readonly HsmKeyId[];
  /** Why the probe failed, in words. */
  readonly failure: string | undefined;
}

/** A token that makes and keeps RSA keys and signs with them. Every call may throw {@link HsmError}. */
export interface Hsm {
  /**
   * The key pair with this id, made on the token (RSA 4096, not extractable) unless it is there: so a repeated call never
   * makes a second one. Takes from under a second to minutes.
   */
  generateKey(id: HsmKeyId, label: string): Promise<RsaPublicKey>;
  findKey(id: HsmKeyId): Promise<RsaPublicKey | undefined>;
  listKeys(): Promise<HsmKey[]>;
  /** Removes the pair for good; no error when it is not there. */
  deleteKey(id: HsmKeyId): Promise<void>;
  /**
   * The RSASSA-PKCS1-v1_5 signature of a SHA-512 digest (64 bytes), big-endian, as long as the modulus, verified with the
   * public key. Deterministic: a repeated call returns the same bytes.
   */
  sign(id: HsmKeyId, sha512: Uint8Array): Promise<Uint8Array>;
  /** {@link sign} for many digests at once, in their order; fails as a whole with the first failure. */
  signMany(id: HsmKeyId, digests: readonly Uint8Array[]): Promise<Uint8Array[]>;
  status(): HsmStatus;
  /** Looks for the keys in use, signs a test digest with one of them, and notes the outcome in the status. Does not throw when the HSM is down. */
  probe(): Promise<HsmProbe>;
  /** Finishes what is in flight, refuses what waits, and ends the child processes. */
  close(): Promise<void>;
}

/** When one signature was asked for and there, both as `performance.now()` tells it, and for how long the token worked on it. */
export interface SigningTimes {
  readonly asked: number;
  readonly answered: number;
  /** In milliseconds; the rest of the time went by in queues and on the way. */
  readonly onToken: number;
}

/** How to reach a token. Times are in milliseconds. */
export interface HsmOptions {
  readonly module:
    /** A PKCS#11 library, and what it needs in its environment, such as SOFTHSM2_CONF. */
    | { readonly path: string; readonly env?: Readonly<Record<string, string>> }
    /** A p11-kit server, `unix:path=…` or `vsock:cid=…;port=…`; `clientPath` is where p11-kit-client.so is, when not in a usual place. */
    | { readonly p11KitAddress: string; readonly clientPath?: string };
  readonly tokenLabel: string;
  /** Tells tokens with the same label apart. */
  readonly tokenSerial?: string;
  /** Read at each log-in; a refused PIN is not sent again until this returns another. */
  readonly pin: () => Promise<string>;
  /** Signatures under way at once per child process; 4, behind p11-kit 2 (a connection does one thing at a time). */
  readonly sessions?: number;
  /** Child processes, each a connection of its own; 1, behind p11-kit 2. */
  readonly children?: number;
  /** How many calls may wait; 4096. */
  readonly queue?: number;
  /** How long calls wait for an HSM that is down before they fail; 10 000. Calls after that fail at once. */
  readonly patience?: number;
  readonly deadlines?: {
    /** To load the module, find the token and log in; 10 000. */
    readonly open?: number;
    /** Without any answer while signing; 2000. Raise it above the time of one signature of a slow token. */
    readonly sign?: number;
    /** For one key generation; 120 000. */
    readonly generate?: number;
  };
  /**
   * How long a key whose generation was cut off may still appear on the token, which goes on by itself; 30 000, in-process
   * SoftHSM 0. Until then no second one is made.
   */
  readonly settleGeneration?: number;
  /** How often an idle connection is asked for a sign of life; 5000. */
  readonly heartbeat?: number;
  /** How often the token is probed; 60 000, 0 for never. */
  readonly probeEvery?: number;
  /**
   * The keys of ours that are relied on now: a probe looks for each, and signs with no other, for what else is on the token belongs to
   * somebody else. None unless told.
   */
  readonly keysInUse?: () => Promise<readonly HsmKeyId[]>;
  /** Called with the times of each signature by whoever asked for it, in their asynchronous context. */
  readonly onSigned?: (times: SigningTimes) => void;
}
