import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Redirections that are followed: stores lead to where their files are in one or two. */
const REDIRECTIONS = 5;
const REDIRECTED = new Set([301, 302, 303, 307, 308]);
/** Without a byte for so long a connection is given up. */
const SILENCE_MS = 60_000;

/**
 * Opens what is behind an address, as a stream, whatever its status. Large files come this way and not by `fetch`, which copies each
 * piece once more and wraps it: with a download that is more work than its digest. A redirection to another host is followed
 * without the credential.
 */
export async function openUrl(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let address = new URL(url);
  let sent = headers;
  for (let redirections = 0; ; redirections++) {
    const answer = await ask(address, sent, signal);
    const { location } = answer.headers;
    if (!REDIRECTED.has(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.destroy();
    if (redirections === REDIRECTIONS)
      throw new Error(`${url} leads from one address to the next without end`);
    const next = new URL(location, address);
    if (next.origin !== address.origin) {
      const { authorization: _, ...others } = sent;
      sent = others;
    }
    address = next;
  }
}

function ask(
  address: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = address.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const asked = request(address, { headers, signal }, resolve);
    asked.setTimeout(SILENCE_MS, () =>
      asked.destroy(new Error(`nothing was heard for ${SILENCE_MS / 1000} s`)),
    );
    asked.once('error', reject);
    asked.end();
  });
}
