import { z } from 'zod';

import type { HttpClient } from '../http-client.ts';

const answer = z.looseObject({ value: z.string() });

/** What one setting of the host is; "None" where it is not set. */
export async function settingValue(client: HttpClient, key: string): Promise<string> {
  return (await client.request(`/ops/v1/config/${encodeURIComponent(key)}`, answer)).value;
}
