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

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** What a request is about. */
export type Resource = (typeof RESOURCES)[number][1] | 'other';

/** The resource of a path, with or without its query. */
export function resourceOf(path: string): Resource {
  return find(path)?.[1] ?? 'other';
}

/** The pattern that a path is recognised by, such as `/v2/snaps/info/*`: what is behind it may name a snap or a token. */
export function routeOf(path: string): string {
  const prefix = find(path)?.[0];
  if (prefix === undefined) return '/*';
  return path.length > prefix.length ? `${prefix.replace(/\/$/, '')}/*` : prefix;
}

/** The path of a request, without its query. */
export function pathOf({ url }: Request): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const query = url.indexOf('?', start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

/** The method of a request, or `other`: callers may send any word. */
export function methodOf({ method }: Request): string {
  return METHODS.has(method) ? method : 'other';
}

function find(path: string) {
  return RESOURCES.find(([prefix]) => path.startsWith(prefix));
}
