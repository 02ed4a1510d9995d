import type { CliContext } from './context.ts';
import { findAppliance } from './connection.ts';
import { HttpClient } from './http-client.ts';

/**
 * The operator's interface of the appliance that the command's options, environment or data folder name.
 *
 * @param absent the sentence for an address that the appliance does not have
 */
export async function operatorClient(
  context: CliContext,
  absent?: (url: string) => string,
): Promise<HttpClient> {
  const { url, token } = await findAppliance(context.connection, context.terminal.env);
  return new HttpClient({
    url,
    authorization: `Bearer ${token}`,
    name: 'Airlock',
    ...(absent && { absent: absent(url) }),
    signal: context.signal,
    hint: 'start it with "airlock up", or name another by --data or --url',
  });
}
