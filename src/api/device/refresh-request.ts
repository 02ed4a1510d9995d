import { z } from 'zod';
import { readAs } from '../../read-as.ts';
import { badRequest } from './http.ts';

/** Limits on what one refresh may ask: far above what snapd sends, far below what could hurt. */
export const REFRESH_BODY_MAX = 4 * 1024 * 1024;
const CONTEXT_MAX = 2000;
const ACTIONS_MAX = 1000;
const ASSERTIONS_MAX = 4000;
const SETS_MAX = 50;

const text = z.string().max(512);
const revision = z.int().min(1).max(0x7fff_ffff);
const numbers = z.array(z.int().min(0)).min(1).max(10);
const epoch = z
  .union([z.object({ read: numbers, write: numbers }), z.string().max(12), z.number()])
  .nullish();
const setKey = z.array(text).min(3).max(4);
const validationSets = z.array(setKey).max(SETS_MAX).nullish();

const context = z.object({
  'snap-id': text,
  'instance-key': text,
  revision: z.int().min(0).nullish(),
  'tracking-channel': text.nullish(),
  epoch,
  'cohort-key': text.nullish(),
  'validation-sets': validationSets,
});

const snapAction = z.object({
  action: z.enum(['install', 'download', 'refresh']),
  'instance-key': text,
  name: text.nullish(),
  'snap-id': text.nullish(),
  channel: text.nullish(),
  revision: revision.nullish(),
  epoch,
  'cohort-key': text.nullish(),
  'validation-sets': validationSets,
});

const assertion = z.object({
  type: text,
  'primary-key': z.array(text).max(8).nullish(),
  'sequence-key': z.array(text).max(8).nullish(),
  sequence: z.int().min(0).nullish(),
  'if-sequence-equal-or-newer-than': z.int().min(0).nullish(),
  'if-newer-than': z.int().min(0).nullish(),
});

const fetchAction = z.object({
  action: z.literal('fetch-assertions'),
  key: z.string().max(64 * 1024),
  assertions: z.array(assertion).max(ASSERTIONS_MAX),
});

/** The body of POST /v2/snaps/refresh, as far as it has a say (protocol/devices.md 3.1). */
export const refreshSchema = z.object({
  context: z.array(context).max(CONTEXT_MAX).nullish(),
  actions: z.array(z.discriminatedUnion('action', [snapAction, fetchAction])).max(ACTIONS_MAX),
  fields: z.array(z.string().max(64)).max(100).nullish(),
  'assertion-max-formats': z.record(z.string(), z.int().min(0)).nullish(),
});

/** A refresh request. */
export type RefreshRequest = z.output<typeof refreshSchema>;
/** A snap on the device. */
export type ContextEntry = z.output<typeof context>;
/** An install, download or refresh. */
export type SnapAction = z.output<typeof snapAction>;
/** A group of assertions to look for. */
export type FetchAction = z.output<typeof fetchAction>;
/** One assertion looked for. */
export type WantedAssertion = z.output<typeof assertion>;

/** Reads the body. Throws `bad-request`, which names the first field at fault. */
export function parseRefresh(value: unknown): RefreshRequest {
  const parsed = readAs(refreshSchema, value);
  if (!parsed.success) throw badRequest(`cannot read the request: ${parsed.fault}`);
  const wanted = parsed.data.actions.flatMap((each) =>
    each.action === 'fetch-assertions' ? each.assertions : [],
  );
  if (wanted.length > ASSERTIONS_MAX)
    throw badRequest(`cannot look for more than ${ASSERTIONS_MAX} assertions at once`);
  return parsed.data;
}
