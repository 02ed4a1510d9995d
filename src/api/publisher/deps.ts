import type { BlobStore, Database, SettingStore } from '../../storage/index.ts';
import type { TokenOffice } from '../../storage/authority/index.ts';
import type {
  InitAuthorityInput,
  IssueInput,
  Issued,
  ScopeInput,
  UploadOutcome,
} from '../../workflows/authority-contract.ts';

/** What the authority asks of its durable processes. Each waits for the end, and joins one that runs already. */
export interface AuthorityProcesses {
  init(input: InitAuthorityInput): Promise<readonly Issued[]>;
  issue(input: IssueInput): Promise<readonly Issued[]>;
  scope(input: ScopeInput): Promise<readonly Issued[]>;
  /** Starts to publish and returns at once. */
  startPublishing(uploadId: string): Promise<void>;
  /** Waits for a publication for at most so long; undefined when it is not over by then. */
  publication(uploadId: string, waitMs: number): Promise<UploadOutcome | undefined>;
}

/** Everything that the publishers' API and the operator's authority routes work with. */
export interface PublisherApiDeps {
  readonly database: Pick<Database, 'queries' | 'transaction'>;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly tokens: TokenOffice;
  readonly processes: AuthorityProcesses;
  readonly clock: () => Date;
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Called with what is our own mistake, so that it is logged; answers never tell. */
  readonly report: (error: unknown) => void;
  /** The largest snap file that is taken, in bytes. */
  readonly maxUploadBytes?: number;
}
