import type { Site } from '../api/device/index.ts';
import { Settings } from '../config/index.ts';
import { ownStoreId, type Queries, type SettingStore } from '../storage/index.ts';

/** What devices are told about this host: its store id, its public address, and the certificate that they have to trust. */
export async function siteOf(store: SettingStore, queries: Queries): Promise<Site> {
  const settings = new Settings(await store.all());
  return {
    storeId: await ownStoreId(queries, settings.text('internal.store.id')),
    publicUrl: settings.text('internal.store.url')?.replace(/\/+$/, ''),
    trustsForwardedProto: settings.flag('proxy.trust-forwarded-proto'),
    caCertificate: settings.text('proxy.tls.cert'),
  };
}
