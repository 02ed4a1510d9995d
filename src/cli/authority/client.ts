import type { CliContext } from '../context.ts';
import type { HttpClient } from '../http-client.ts';
import { operatorClient } from '../operator.ts';

/** The operator's interface of an authority. */
export async function authorityClient(context: CliContext): Promise<HttpClient> {
  return operatorClient(
    context,
    (url) => `cannot do this: the Airlock at ${url} is no authority; name one by --data or --url`,
  );
}

/** The path of one of the authority's resources, each part escaped. */
export function authorityPath(...parts: string[]): string {
  return ['/ops/v1/authority', ...parts.map(encodeURIComponent)].join('/');
}
