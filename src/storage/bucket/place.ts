/** A bucket in S3-compatible storage, and who we are there. */
export interface BucketPlace {
  /** The server's address; undefined for Amazon's own in the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Whether the bucket's name is in the path, and not in the host's name. */
  readonly pathStyle: boolean;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}
