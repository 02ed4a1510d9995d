import { z } from 'zod';
import {
  canRead,
  channelName,
  fallbacks,
  parseChannel,
  parseEpoch,
  sameChannel,
  type Channel,
} from '../../snaps/index.ts';
import type { Pin } from './pin-book.ts';

/** A refresh as far as overrides bear on it; all else goes on as it came. */
const contextSchema = z.looseObject({
  'instance-key': z.string(),
  'tracking-channel': z.string().nullish(),
  epoch: z.unknown().optional(),
  'validation-sets': z.array(z.unknown()).nullish(),
});
const actionSchema = z.looseObject({
  action: z.string(),
  'instance-key': z.string().optional(),
  name: z.string().nullish(),
  'snap-id': z.string().nullish(),
  channel: z.string().nullish(),
  revision: z.number().nullish(),
  'cohort-key': z.string().nullish(),
  epoch: z.unknown().optional(),
  'validation-sets': z.array(z.unknown()).nullish(),
});
const requestSchema = z.looseObject({
  context: z.array(contextSchema).nullish(),
  actions: z.array(actionSchema),
});
const resultSchema = z.looseObject({
  'instance-key': z.string().optional(),
  'effective-channel': z.string().nullish(),
  'redirect-channel': z.string().nullish(),
  snap: z.looseObject({ epoch: z.unknown().optional() }).optional(),
});
const answerSchema = z.looseObject({
  results: z.array(resultSchema),
  'error-list': z.array(z.unknown()).nullish(),
});

type Action = z.output<typeof actionSchema>;
type Context = z.output<typeof contextSchema>;

/** What became of one action: the revision that is asked for in place of the channel. */
interface Pinned {
  readonly pin: Pin;
  /** Where the snap's default track sent a request that named none. */
  readonly redirect: Channel | undefined;
  /** What is on the device, which the revision must be able to take over; undefined for nothing. */
  readonly epoch: unknown;
}

/** A refresh request that says what the overrides say, and what it did so for. */
export interface PinnedRefresh {
  readonly body: unknown;
  readonly pinned: ReadonlyMap<string, Pinned>;
}

/** Asks the upstream in the name of the device that waits: the body of a refresh in, the JSON of a good answer out. */
export type AskUpstream = (body: object) => Promise<unknown>;

const ACTIONS = new Set(['install', 'download', 'refresh']);
const CHANNEL = 'stable';

/**
 * Makes a device's request ask for the revisions that overrides pin. An override is a release in its channel: a request for
 * another channel finds it where it would fall back to that one, so the upstream is asked where a channel leads if the answer
 * depends on it. A revision that the device itself insists on (a validation set's, or its user's) stays as it is.
 * @returns undefined when no override bears on the request
 * @throws what `ask` throws
 */
export async function pinRefresh(
  request: unknown,
  pins: readonly Pin[],
  ask: AskUpstream,
): Promise<PinnedRefresh | undefined> {
  if (pins.length === 0) return undefined;
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) return undefined;
  const context = new Map((parsed.data.context ?? []).map((entry) => [entry['instance-key'], entry]));
  const wishes = parsed.data.actions.flatMap((action) => wishOf(action, context, pins) ?? []);
  const leads = await askWhere(wishes.filter(mustAsk), ask);
  const pinned = new Map<string, Pinned>();
  for (const wish of wishes) {
    const lead = leads.get(wish.key);
    const pin = mustAsk(wish) ? lead && pinFor(wish, lead) : nearest(wish.own, wish.channel, undefined);
    if (pin !== undefined) pinned.set(wish.key, { pin, redirect: lead?.redirect, epoch: wish.epoch });
  }
  for (const key of await notAllowed(wishes, pinned, ask)) pinned.delete(key);
  if (pinned.size === 0) return undefined;
  const actions = parsed.data.actions.map((action) => {
    const found = pinned.get(action['instance-key'] ?? '');
    if (found === undefined || !isWish(action)) return action;
    // A store takes a revision or a channel, and a cohort is about channels.
    const { channel: _channel, 'cohort-key': _cohort, ...rest } = action;
    return { ...rest, revision: found.pin.revision };
  });
  return { body: { ...parsed.data, actions }, pinned };
}

/** Puts the channels that devices asked for back into the upstream's answer, and refuses data that a pinned revision cannot read. */
export function pinnedAnswer(answer: unknown, { pinned }: PinnedRefresh): unknown {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) return answer;
  const results = parsed.data.results.map((result) => {
    const found = pinned.get(result['instance-key'] ?? '');
    if (found === undefined || result.snap === undefined) return result;
    const { pin, redirect, epoch } = found;
    if (!takesOver(result.snap.epoch, epoch)) return refusal(result['instance-key'] ?? '', pin);
    return {
      ...result,
      'effective-channel': channelName(pin.channel),
      ...(redirect && { 'redirect-channel': channelName(redirect) }),
    };
  });
  return { ...parsed.data, results };
}

interface Wish {
  readonly key: string;
  readonly action: Action;
  /** The overrides of the snap. */
  readonly own: readonly Pin[];
  readonly channel: Channel;
  /** False for an install that names no track: the snap's default track may take its place. */
  readonly trackKnown: boolean;
  readonly epoch: unknown;
  /** Validation sets that are in force on the device. */
  readonly sets: readonly unknown[];
}

function isWish(action: Action): boolean {
  return ACTIONS.has(action.action) && (action.revision === null || action.revision === undefined);
}

/** What a device wants of a snap that has overrides; undefined for any other, and for what cannot be read. */
function wishOf(
  action: Action,
  context: ReadonlyMap<string, Context>,
  pins: readonly Pin[],
): Wish | undefined {
  const key = action['instance-key'];
  if (key === undefined || !isWish(action)) return undefined;
  const own = pins.filter((pin) =>
    action['snap-id'] ? pin.snapId === action['snap-id'] : pin.snapName === action.name,
  );
  if (own.length === 0) return undefined;
  const entry = action.action === 'refresh' ? context.get(key) : undefined;
  const parsed = channelOf((action.channel || entry?.['tracking-channel']) ?? CHANNEL);
  if (parsed === undefined) return undefined;
  const { trackGiven, ...channel } = parsed;
  const trackKnown = trackGiven || action.action === 'refresh';
  const risks = new Set(fallbacks(channel).map(({ risk }) => risk));
  const bears = own.some((pin) => (trackKnown ? isBelow(pin, channel) : risks.has(pin.channel.risk)));
  const epoch = entry === undefined ? action.epoch : entry.epoch;
  const sets = action['validation-sets'] ?? entry?.['validation-sets'] ?? [];
  return bears ? { key, action, own, channel, trackKnown, epoch, sets } : undefined;
}

function isBelow(pin: Pin, channel: Channel): boolean {
  return fallbacks(channel).some((place) => sameChannel(place, pin.channel));
}

/** An override of the very channel needs no question: it is the nearest. */
function mustAsk({ own, channel, trackKnown }: Wish): boolean {
  return !trackKnown || !own.some((pin) => sameChannel(pin.channel, channel));
}

/** Where a request leads without overrides. */
interface Lead {
  /** Undefined when nothing is there, nor in any safer channel. */
  readonly effective: Channel | undefined;
  readonly redirect: Channel | undefined;
}

async function askWhere(wishes: readonly Wish[], ask: AskUpstream): Promise<ReadonlyMap<string, Lead>> {
  if (wishes.length === 0) return new Map();
  const actions = wishes.map(({ key, action, own, channel, trackKnown }) => ({
    action: 'download',
    'instance-key': key,
    name: own[0]?.snapName,
    channel: trackKnown ? channelName(channel) : (action.channel ?? CHANNEL),
    ...(action['cohort-key'] ? { 'cohort-key': action['cohort-key'] } : {}),
    epoch: null,
  }));
  const parsed = answerSchema.safeParse(await ask({ context: [], actions, fields: ['revision'] }));
  if (!parsed.success) return new Map();
  return new Map(
    parsed.data.results.map((result): [string, Lead] => [
      result['instance-key'] ?? '',
      {
        effective: channelOf(result.snap === undefined ? undefined : result['effective-channel']),
        redirect: channelOf(result['redirect-channel']),
      },
    ]),
  );
}

/** Pins that the validation sets of a device forbid: its sets go before what an operator says of a channel. */
async function notAllowed(
  wishes: readonly Wish[],
  pinned: ReadonlyMap<string, Pinned>,
  ask: AskUpstream,
): Promise<readonly string[]> {
  const actions = wishes.flatMap(({ key, own, sets }) => {
    const pin = sets.length === 0 ? undefined : pinned.get(key)?.pin;
    if (pin === undefined) return [];
    const question = { action: 'download', 'instance-key': key, name: own[0]?.snapName, epoch: null };
    return [{ ...question, revision: pin.revision, 'validation-sets': sets }];
  });
  if (actions.length === 0) return [];
  const parsed = answerSchema.safeParse(await ask({ context: [], actions, fields: ['revision'] }));
  const given = new Set(
    parsed.data?.results.flatMap((result) => (result.snap === undefined ? [] : [result['instance-key']])),
  );
  return actions.map((action) => action['instance-key']).filter((key) => !given.has(key));
}

function pinFor({ own, channel }: Wish, { effective, redirect }: Lead): Pin | undefined {
  const track = redirect?.track ?? effective?.track ?? channel.track;
  return nearest(own, { ...channel, track }, effective);
}

/** The override that is found first on the way from a channel to where it leads. */
function nearest(own: readonly Pin[], channel: Channel, effective: Channel | undefined): Pin | undefined {
  for (const place of fallbacks(channel)) {
    const pin = own.find((each) => sameChannel(each.channel, place));
    if (pin !== undefined) return pin;
    if (effective !== undefined && sameChannel(effective, place)) return undefined;
  }
  return undefined;
}

/** Undefined for a text that names no channel: the upstream says what is wrong with it. */
function channelOf(text: string | null | undefined) {
  if (text === null || text === undefined || text === '') return undefined;
  try {
    return parseChannel(text);
  } catch {
    return undefined;
  }
}

/** Whether a revision reads the data on the device; what neither side says anything of is taken as fitting. */
function takesOver(next: unknown, current: unknown): boolean {
  if (next === undefined || current === undefined || current === null) return true;
  try {
    return canRead(parseEpoch(next), parseEpoch(current));
  } catch {
    return true;
  }
}

function refusal(key: string, { snapId, snapName }: Pin) {
  const message = 'No revision in the channel can take over the data of the installed one';
  return {
    result: 'error',
    'instance-key': key,
    'snap-id': snapId,
    name: snapName,
    error: { code: 'revision-not-found', message, extra: { releases: [] } },
  };
}

/** Whether an answer is a refusal of the whole request, such as that the device's session has to be renewed. */
export function isRefusal(answer: unknown): boolean {
  const parsed = answerSchema.safeParse(answer);
  return parsed.success && (parsed.data['error-list'] ?? []).length > 0;
}
