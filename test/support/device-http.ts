import { z } from 'zod';

const errorBody = z.union([
  z.object({ message: z.string() }),
  z.object({ error_list: z.array(z.object({ message: z.string() })).min(1) }),
  z.object({ 'error-list': z.array(z.object({ message: z.string() })).min(1) }),
]);

/** An answer that a device cannot go on with. */
export class DeviceError extends Error {
  readonly status: number;
  /** What the server says is wrong, as a device would show it. */
  readonly reason: string;
  /** Whether the server asks for a new session. */
  readonly asksForNewSession: boolean;

  constructor(status: number, reason: string, asksForNewSession = false) {
    super(`${status}: ${reason}`);
    this.name = 'DeviceError';
    this.status = status;
    this.reason = reason;
    this.asksForNewSession = asksForNewSession;
  }

  /** Whether a device asks again soon by itself; 500 and all 4xx put it off for minutes. */
  get isTemporary(): boolean {
    return this.status > 500;
  }
}

/** fetch with the user agent that devices have; every answer within 30 s. */
export function send(url: URL | string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('user-agent', 'snapd/2.77 (series 16) ubuntu-core/24 (amd64) linux/6.8.0');
  return fetch(url, { signal: AbortSignal.timeout(30_000), ...init, headers });
}

/** Throws DeviceError unless the answer has one of the given statuses. */
export async function expectStatus(reply: Response, statuses: readonly number[]): Promise<void> {
  if (statuses.includes(reply.status)) return;
  const challenge = reply.headers.get('www-authenticate') ?? '';
  throw new DeviceError(reply.status, await reasonOf(reply), challenge.includes('refresh_device_session=1'));
}

async function reasonOf(reply: Response): Promise<string> {
  const body = await reply.text();
  if (!/^application\/(problem\+)?json$/.test(reply.headers.get('content-type') ?? '')) return body;
  const parsed = errorBody.safeParse(JSON.parse(body));
  if (!parsed.success) return body;
  if ('message' in parsed.data) return parsed.data.message;
  const list = 'error_list' in parsed.data ? parsed.data.error_list : parsed.data['error-list'];
  return list.map(({ message }) => message).join('; ');
}
