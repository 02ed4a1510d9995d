import { Settings } from '../../config/index.ts';
import { sameChannel } from '../../snaps/index.ts';
import type { SettingStore } from '../../storage/index.ts';
import { parseLogin, SnapChannelClient } from '../../upstream/index.ts';
import type { SnapSource } from './known-snap.ts';

/** The snaps of the store that an online host forwards to. */
export function upstreamSnaps(settings: SettingStore): SnapSource {
  return {
    hint: 'the upstream store shows it to nobody without a log-in; for a snap of a brand store add --auth and --store',
    async find(name, access, signal) {
      const set = new Settings(await settings.all());
      const client = new SnapChannelClient({
        url: set.text('proxy.upstream') ?? '',
        ...(access && {
          login: parseLogin(access.credentials),
          refresh: { sso: set.text('proxy.sso.location') ?? '' },
          store: access.store,
        }),
      });
      const found = await client.channels(name, signal);
      if (found === undefined) return undefined;
      return {
        snapId: found.snapId,
        held: (channel) =>
          new Map(
            found.releases
              .filter((release) => sameChannel(release.channel, channel))
              .map(({ architecture, revision }) => [architecture, revision]),
          ),
        architecturesOf: async (revision) =>
          found.revisions?.get(revision) ??
          client.architecturesOf(
            name,
            revision,
            new Set(found.releases.map((one) => one.architecture)),
            signal,
          ),
      };
    },
  };
}
