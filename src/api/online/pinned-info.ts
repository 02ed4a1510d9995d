import { z } from 'zod';
import {
  ANY_ARCHITECTURE,
  compareChannels,
  parseChannel,
  sameChannel,
  shortChannelName,
} from '../../snaps/index.ts';
import type { Pin } from './pin-book.ts';

const entrySchema = z.looseObject({
  channel: z.looseObject({ name: z.string(), architecture: z.string() }),
});
const infoSchema = z.looseObject({
  'snap-id': z.string(),
  'default-track': z.string().nullish(),
  'channel-map': z.array(entrySchema),
});
const answerSchema = z.looseObject({
  results: z.array(
    z.looseObject({
      'instance-key': z.string(),
      snap: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

type Entry = z.output<typeof entrySchema>;

/** Asks the upstream, as the device that waits, for snaps of an architecture: the body of a refresh in, the answer's JSON out. */
export type AskFor = (architecture: string, body: object) => Promise<unknown>;

/** What an entry of a channel map may say that a refresh can be asked for too (protocol/devices.md 3.2, 3.3). */
const FIELDS = new Set([
  'architectures',
  'base',
  'common-ids',
  'confinement',
  'created-at',
  'download',
  'epoch',
  'resources',
  'revision',
  'snap-yaml',
  'type',
  'version',
]);
const USUAL = ['confinement', 'created-at', 'download', 'epoch', 'revision', 'type', 'version'];

/**
 * Puts what overrides pin into the channel map of an info. An entry whose pinned revision the upstream does not show to the
 * device stays as it is: the device gets no other by installing it.
 */
export async function pinnedInfo(info: unknown, pins: readonly Pin[], ask: AskFor): Promise<unknown> {
  const parsed = infoSchema.safeParse(info);
  if (!parsed.success) return info;
  const own = pins.filter((pin) => pin.snapId === parsed.data['snap-id']);
  if (own.length === 0) return info;
  let map = parsed.data['channel-map'];
  for (const [architecture, ofIt] of Map.groupBy(own, (pin) => pin.architecture)) {
    const snaps = await snapsOf(architecture, ofIt, fieldsOf(map), ask);
    for (const [index, pin] of ofIt.entries()) {
      const snap = snaps.get(`${index}`);
      if (snap !== undefined) map = withPin(map, pin, snap);
    }
  }
  const order = compareChannels(parsed.data['default-track'] ?? 'latest');
  const sorted = map.toSorted((one, other) => order(channelOf(one), channelOf(other)));
  return { ...parsed.data, 'channel-map': sorted };
}

function fieldsOf(map: readonly Entry[]): readonly string[] {
  const [first] = map;
  return first === undefined ? USUAL : Object.keys(first).filter((key) => FIELDS.has(key));
}

async function snapsOf(
  architecture: string,
  pins: readonly Pin[],
  fields: readonly string[],
  ask: AskFor,
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>> | undefined>> {
  const actions = pins.map(({ snapName, revision }, index) => ({
    action: 'download',
    'instance-key': `${index}`,
    name: snapName,
    revision,
    epoch: null,
  }));
  const device = architecture === ANY_ARCHITECTURE ? 'amd64' : architecture;
  const answer = answerSchema.safeParse(await ask(device, { context: [], actions, fields }));
  if (!answer.success) return new Map();
  return new Map(answer.data.results.map((result) => [result['instance-key'], result.snap]));
}

function withPin(map: readonly Entry[], pin: Pin, snap: Readonly<Record<string, unknown>>): Entry[] {
  const isPlace = (entry: Entry) =>
    sameChannel(channelOf(entry), pin.channel) &&
    (pin.architecture === ANY_ARCHITECTURE || entry.channel.architecture === pin.architecture);
  const said = Object.fromEntries(Object.entries(snap).filter(([key]) => FIELDS.has(key)));
  if (map.some(isPlace))
    return map.map((entry) => (isPlace(entry) ? { ...said, channel: entry.channel } : entry));
  const { channel, architecture, changedAt } = pin;
  const place = {
    architecture,
    name: shortChannelName(channel),
    'released-at': changedAt,
    risk: channel.risk,
    track: channel.track,
  };
  return [...map, { ...said, channel: place }];
}

function channelOf({ channel }: Entry) {
  return parseChannel(channel.name);
}
