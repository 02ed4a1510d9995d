import { randomUUID } from 'node:crypto';

const ACCEPTED = /^[A-Za-z0-9_-]{8,64}$/;

/**
 * The id of a request: the caller's own when it is a plain one, so that one id runs through several machines' logs,
 * else a new one. Devices show it to their users (header X-Oops-Id).
 */
export function requestId(given?: string | null): string {
  return given !== undefined && given !== null && ACCEPTED.test(given) ? given : randomUUID();
}
