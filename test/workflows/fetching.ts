/** What fetches need of a host, on real parts and with no test framework: processes that are killed use it too. */
import { join } from 'node:path';
import { createFetchActivities, type FetchActivities } from '../../src/activities/fetches.ts';
import type { FetchSnapsInput } from '../../src/workflows/fetch-contract.ts';
import type { Host } from './hosts.ts';

/** The activities of the online role, over a host's parts. */
export function fetchesOf({ database, blobs, settings, folder }: Host): FetchActivities {
  const exportFolder = join(folder, 'exports');
  return createFetchActivities({ database, blobs, settings, exportFolder, now: () => new Date() });
}

/** Says which store a host's upstream is. */
export function setUpstream({ settings }: Pick<Host, 'settings'>, url: string): Promise<void> {
  return settings.change(new Map([['proxy.upstream', { value: url, secret: false }]]), new Date());
}

/** What the operator's interface makes of a fetch of snaps. */
export const snapsFetch = (over: Partial<FetchSnapsInput> = {}): FetchSnapsInput => ({
  fetchId: 'fetch',
  names: [],
  channels: ['latest/stable'],
  architectures: ['amd64'],
  store: null,
  credentials: null,
  exportDir: null,
  actor: 'operator',
  ...over,
});
