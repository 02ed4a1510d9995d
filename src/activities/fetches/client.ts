import { join } from 'node:path';
import { Settings } from '../../config/index.ts';
import type { BlobStore, Database, SettingStore } from '../../storage/index.ts';
import { StoreClient, parseLogin, type UpstreamWatch } from '../../upstream/index.ts';
import { noteRefresh } from './login.ts';

/** What fetches need from the host. */
export interface FetchDeps {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly settings: SettingStore;
  readonly exportFolder: string;
  readonly now: () => Date;
  /** Who wants to know whether the upstream answers the step that is under way. */
  readonly watch?: UpstreamWatch;
}

/** The folder of one fetch. */
export function fetchFolder(blobs: BlobStore, fetchId: string): string {
  return join(blobs.stagingFolder, `fetch-${fetchId.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 100)}`);
}

/**
 * A client of the upstream store, with the login of a fetch. A discharge that has to be refreshed takes the place of the sealed one, so that the
 * other steps of the fetch need not refresh it as well; it goes with the fetch.
 */
export async function upstreamClient(
  deps: FetchDeps,
  who: { readonly credentials: string | null; readonly store: string | null; readonly fetchId?: string },
): Promise<StoreClient> {
  const settings = new Settings(await deps.settings.all());
  const { credentials } = who;
  const sealed = credentials === null ? undefined : await deps.settings.get(credentials);
  const sso = settings.text('proxy.sso.location') ?? '';
  const keep = async (content: string) => {
    if (credentials !== null) await deps.settings.replaceSecret(credentials, content, deps.now());
    if (who.fetchId !== undefined) await noteRefresh(fetchFolder(deps.blobs, who.fetchId), sso);
  };
  return new StoreClient({
    url: settings.text('proxy.upstream') ?? '',
    ...(sealed !== undefined && {
      login: parseLogin(sealed),
      refresh: { sso, keep },
    }),
    ...(who.store === null ? {} : { store: who.store }),
    watch: deps.watch,
  });
}
