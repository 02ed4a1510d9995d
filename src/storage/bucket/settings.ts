import type { Settings } from '../../config/index.ts';
import { BucketError } from './errors.ts';
import type { BucketPlace } from './place.ts';

/** Where new blobs go (`proxy.storage.backend`). */
export type Backend = 'local' | 's3';

/** What the settings say of the place of blobs: where new ones go, and the bucket, as soon as there is an access key for it. */
export function blobPlacesOf(settings: Settings): {
  readonly backend: Backend;
  readonly bucket?: BucketPlace;
} {
  const backend = settings.text('proxy.storage.backend') === 's3' ? 's3' : 'local';
  const accessKeyId = settings.text('proxy.storage.s3.access-key-id');
  const secretAccessKey = settings.text('proxy.storage.s3.secret-access-key');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    if (backend === 'local') return { backend };
    const missing = accessKeyId === undefined ? 'access-key-id' : 'secret-access-key';
    throw new BucketError(
      'bucket-settings-incomplete',
      `cannot use S3 storage: proxy.storage.s3.${missing} is not set`,
    );
  }
  return {
    backend,
    bucket: {
      endpoint: endpointOf(settings.text('proxy.storage.s3.server-url')),
      region: settings.text('proxy.storage.s3.region') ?? 'us-east-1',
      pathStyle: settings.flag('proxy.storage.s3.use-path-style'),
      accessKeyId,
      secretAccessKey,
      bucket: settings.text('proxy.storage.s3.scanned-container-name') ?? 'scanned-production',
    },
  };
}

function endpointOf(written: string | undefined): string | undefined {
  if (written === undefined) return undefined;
  const address = URL.canParse(written) ? new URL(written) : undefined;
  if (address?.protocol === 'http:' || address?.protocol === 'https:')
    return address.href.replace(/\/+$/, '');
  throw new BucketError(
    'bucket-settings-incomplete',
    'cannot use S3 storage: proxy.storage.s3.server-url must be an http or https address',
  );
}
