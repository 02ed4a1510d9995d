/**
 * What a request is about, for metrics: few words, never an address. First those that devices wait for, each by the
 * beginning of its path (protocol/devices.md).
 */
const RESOURCES = [
  ['/v2/snaps/refresh', 'refresh'],
  ['/v2/snaps/info/', 'info'],
  ['/v2/snaps/find', 'find'],
  ['/v2/assertions', 'assertions'],
  ['/v2/setup', 'setup'],
  ['/api/v1/snaps/download/', 'download'],
  ['/api/v1/snaps/assertions/', 'assertions'],
  ['/api/v1/snaps/auth/nonces', 'nonce'],
  ['/api/v1/snaps/auth/sessions', 'session'],
  ['/api/v1/snaps/auth/request-id', 'request-id'],
  ['/v1/request-id', 'request-id'],
  ['/api/v1/snaps/auth/devices', 'serial'],
  ['/v1/serial', 'serial'],
  ['/ops/v1', 'operator'],
  ['/carry/v1', 'carry'],
  ['/publishergw', 'gateway'],
  ['/dev/api', 'publisher'],
  ['/api/v2', 'publisher'],
  ['/unscanned-upload', 'upload'],
  ['/v1', 'gateway'],
  ['/_status', 'health'],
  ['/healthz', 'health'],
  ['/readyz', 'health'],
  ['/metrics', 'health'],
] as const;

/** What a request is about. */
export type Resource = (typeof RESOURCES)[number][1] | 'other';

/** The resource of a path, with or without its query. */
export function resourceOf(path: string): Resource {
  for (const [prefix, resource] of RESOURCES) if (path.startsWith(prefix)) return resource;
  return 'other';
}
