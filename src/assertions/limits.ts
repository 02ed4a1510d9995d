/** Most bytes of one assertion's parts that devices accept (protocol/devices.md 6.3). */
export const MAX_HEADERS_BYTES = 128 * 1024;
export const MAX_SIGNATURE_BYTES = 128 * 1024;
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Bounds of a stream of assertions. */
export interface StreamLimits {
  /** Most assertions in the stream. */
  readonly count: number;
  /** Most bytes of the whole stream. */
  readonly bytes: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = { count: 1000, bytes: 32 * 1024 * 1024 };
