import type { SessionLife } from '../../devices/sessions.ts';
import type { BlobStore, Database, StoredBlob } from '../../storage/index.ts';

/** A secret that device sessions are signed with (`proxy.device-auth.secret`). */
export interface DeviceSecret {
  readonly secret: Uint8Array;
  /** Undefined for the present one; an earlier one is accepted until then. */
  readonly until: Date | undefined;
}

/** What devices are told about this host. */
export interface Site {
  /** The id of this host's own store assertion (`ownStoreId`); undefined when it has none. */
  readonly storeId: string | undefined;
  /** The address that devices reach this host at, without a slash at the end; undefined takes each request's own. */
  readonly publicUrl: string | undefined;
  /** Whether a front server that ends TLS says so in X-Forwarded-Proto (`proxy.trust-forwarded-proto`); not believed unless told. */
  readonly trustsForwardedProto?: boolean;
  /** The CA that devices must trust, PEM; undefined when they need none. */
  readonly caCertificate: string | undefined;
}

/**
 * How a file reaches a device by other means. `redirect`: an address that needs no session, because snapd takes its
 * session away when it follows (protocol/devices.md 3.8), so it must expire. `header`: for a front server that sends
 * the file itself (X-Accel-Redirect and the like).
 */
export type HandOver = (
  blob: StoredBlob,
  asked: { readonly fileName: string; readonly method: 'GET' | 'HEAD' },
) => Promise<{ readonly redirect: string } | { readonly header: readonly [string, string] } | undefined>;

/** Called with what is our own mistake, so that it is logged; answers tell nothing but the id. */
export type Report = (error: unknown, oopsId?: string) => void;

/** Everything that the device API works with. */
export interface DeviceApiDeps {
  readonly database: Pick<Database, 'queries' | 'transaction'>;
  readonly blobs: BlobStore;
  /** The present secret first, then those in their grace period; empty before device authentication is activated. */
  readonly deviceSecrets: () => Promise<readonly DeviceSecret[]>;
  readonly site: () => Promise<Site>;
  readonly clock: () => Date;
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Uint8Array;
  readonly report: Report;
  readonly sessionLife?: SessionLife;
  /** Lets another server send files; without it, or where it says undefined, this process sends them. */
  readonly handOver?: HandOver;
}
