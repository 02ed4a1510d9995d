import type { SettingKey } from './setting-keys.ts';

/** Documented settings that are kept, so that exported configurations can be read back, and have no meaning here; and why. */
const UNUSED: readonly (readonly [prefix: string, reason: string])[] = [
  ['proxy.db.connection', 'settings are in the database; AIRLOCK_DATABASE_URL says where it is'],
  ['proxy.port.http', '"airlock up --port" and "--https-port" say where it listens'],
  ['proxy.port.', 'one process answers for all services, on one port'],
  ['proxy.key.', 'they prove a registration outside, which there is none of'],
  ['proxy.memcached.', 'sessions need no store of their own'],
  ['proxy.use-postgres-over-memcached', 'sessions need no store of their own'],
  ['proxy.oci-registry.', 'charms are not served'],
  ['proxy.storage.s3.unscanned', 'uploads wait for their scan in the folder "staging"'],
  ['internal.snapassert.signing.revisions.', 'revisions are signed by an authority, with a key on its token'],
  ['internal.airgap.store.provenance-allowlist', "a snap's declaration says which provenances it may have"],
  ['internal.airgap.', 'an import brings what it stands for'],
  ['internal.storeadmingw.', 'there are no services that have to trust each other'],
  ['internal.snapstorage.', 'there are no services that have to trust each other'],
];

/** Why Airlock does not use a setting; undefined for one that it uses. */
export function unusedReason(key: SettingKey): string | undefined {
  return UNUSED.find(([prefix]) => key.startsWith(prefix))?.[1];
}
