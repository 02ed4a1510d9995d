import type { Readable } from 'node:stream';
import { Settings } from '../config/index.ts';
import {
  digestOfFile,
  type BlobDigest,
  type BlobPart,
  type BlobSender,
  type BlobStore,
  type StoredBlob,
} from './blob-store.ts';
import { BucketError } from './bucket/errors.ts';
import { blobPlacesOf, type Backend } from './bucket/settings.ts';
import type { BucketBlobStore } from './bucket/store.ts';
import type { Database } from './database.ts';
import type { FileBlobStore } from './file-blob-store.ts';
import { generation } from './generations.ts';
import type { SettingStore } from './setting-store.ts';

/** What the places are made from. */
export interface BlobPlacesParts {
  readonly folder: FileBlobStore;
  readonly settings: Pick<SettingStore, 'all'>;
  readonly database: Pick<Database, 'queries'>;
}

interface Places {
  readonly backend: Backend;
  readonly bucket: BucketBlobStore | undefined;
}

/**
 * The blobs of one Airlock: in the folder, and in a bucket of S3-compatible storage once the settings name one. New blobs go
 * where `proxy.storage.backend` says. Blobs are found wherever they lie, the folder first, so that a changed setting hides
 * none; {@link strays} are those that lie where new ones no longer go. A changed setting counts from the next call on.
 */
export class BlobPlaces implements BlobStore {
  readonly #parts: BlobPlacesParts;
  #known: { readonly generation: number; readonly places: Places } | undefined;

  /** Nothing is asked of settings or bucket yet. */
  constructor(parts: BlobPlacesParts) {
    this.#parts = parts;
  }

  get stagingFolder(): string {
    return this.#parts.folder.stagingFolder;
  }

  /** Where new blobs go. */
  async backend(): Promise<Backend> {
    return (await this.#places()).backend;
  }

  /** The bucket, when the blob lies there and not in the folder. */
  async bucketOf({ digest }: StoredBlob): Promise<BucketBlobStore | undefined> {
    return (await this.#folder.find(digest)) === undefined ? this.#bucket() : undefined;
  }

  async find(digest: BlobDigest): Promise<StoredBlob | undefined> {
    return (await this.#folder.find(digest)) ?? (await this.#bucket())?.find(digest);
  }

  async findAll(digests: Iterable<BlobDigest>): Promise<ReadonlyMap<BlobDigest, StoredBlob>> {
    const all = new Set(digests);
    const here = await this.#folder.findAll(all);
    const others = [...all].filter((digest) => !here.has(digest));
    const bucket = others.length === 0 ? undefined : await this.#bucket();
    return bucket === undefined ? here : new Map([...here, ...(await bucket.findAll(others))]);
  }

  async open(blob: StoredBlob, part?: BlobPart): Promise<Readable> {
    return ((await this.bucketOf(blob)) ?? this.#folder).open(blob, part);
  }

  async sender(blob: StoredBlob, part?: BlobPart): Promise<BlobSender> {
    return ((await this.bucketOf(blob)) ?? this.#folder).sender(blob, part);
  }

  async withFile<T>(blob: StoredBlob, use: (path: string) => Promise<T>): Promise<T> {
    return ((await this.bucketOf(blob)) ?? this.#folder).withFile(blob, use);
  }

  async adopt(file: string, digest: BlobDigest): Promise<StoredBlob> {
    const { backend, bucket } = await this.#places();
    return (backend === 's3' && bucket ? bucket : this.#folder).adopt(file, digest);
  }

  async remove(digest: BlobDigest): Promise<void> {
    await (await this.#bucket())?.remove(digest);
    await this.#folder.remove(digest);
  }

  async *list(): AsyncIterable<StoredBlob> {
    yield* this.#folder.list();
    const bucket = await this.#bucket();
    if (bucket === undefined) return;
    for await (const blob of bucket.list())
      if ((await this.#folder.find(blob.digest)) === undefined) yield blob;
  }

  async check(): Promise<void> {
    await this.#folder.check();
    await (await this.#bucket())?.check();
  }

  async discardUnfinished(before: Date): Promise<number> {
    return (await (await this.#bucket())?.discardUnfinished(before)) ?? 0;
  }

  /** Blobs that lie where new ones do not go. */
  async *strays(): AsyncIterable<StoredBlob> {
    const { backend, bucket } = await this.#places();
    if (backend === 's3') yield* this.#folder.list();
    else if (bucket !== undefined) yield* bucket.list();
  }

  /**
   * Moves a stray to where new blobs go: there first, whole and checked, then away from where it was. May be repeated.
   * @throws BucketError `bucket-file-damaged` also for a file of the folder whose bytes are not those of its name
   */
  async bringHome(blob: StoredBlob): Promise<void> {
    const { backend, bucket } = await this.#places();
    if (bucket === undefined) return;
    const { digest, size } = blob;
    const from = backend === 's3' ? this.#folder : bucket;
    const to = backend === 's3' ? bucket : this.#folder;
    if ((await to.find(digest))?.size !== size)
      await from.withFile(blob, async (path) => {
        await requireDigest(path, digest);
        if (to === bucket) await bucket.copyIn(path, digest);
        else await this.#folder.adopt(path, digest);
      });
    await from.remove(digest);
  }

  get #folder(): FileBlobStore {
    return this.#parts.folder;
  }

  async #bucket(): Promise<BucketBlobStore | undefined> {
    return (await this.#places()).bucket;
  }

  async #places(): Promise<Places> {
    const { database, settings } = this.#parts;
    const now = await generation(database.queries, 'settings');
    if (this.#known?.generation === now) return this.#known.places;
    const { backend, bucket: place } = blobPlacesOf(new Settings(await settings.all()));
    const before = this.#known?.places.bucket;
    // A bucket that stays the same keeps its connections.
    const same = before !== undefined && JSON.stringify(before.place) === JSON.stringify(place);
    const bucket = same ? before : place && (await openBucket(place, this.stagingFolder));
    const places = { backend, bucket };
    this.#known = { generation: now, places };
    return places;
  }
}

/** The client is only loaded by those who use it: it takes 30 MB. */
async function openBucket(...[place, stagingFolder]: ConstructorParameters<typeof BucketBlobStore>) {
  const { BucketBlobStore: Bucket } = await import('./bucket/store.ts');
  return new Bucket(place, stagingFolder);
}

async function requireDigest(path: string, digest: BlobDigest): Promise<void> {
  if ((await digestOfFile(path)).digest === digest) return;
  throw new BucketError(
    'bucket-file-damaged',
    `cannot move the file with SHA3-384 ${digest}: its bytes are not those of its name; remove ${path} and push or upload that snap again`,
  );
}
