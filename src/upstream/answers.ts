import { z } from 'zod';
import { limitedBytes } from '../limited-bytes.ts';
import { isSnapName } from '../snaps/index.ts';
import { UpstreamError } from './errors.ts';

/** Longest answer that is not a file. */
export const ANSWER_MAX = 16 * 2 ** 20;

/** What is asked for of each snap. */
export const FIELDS = [
  'architectures',
  'base',
  'confinement',
  'contact',
  'created-at',
  'description',
  'download',
  'epoch',
  'license',
  'links',
  'media',
  'name',
  'private',
  'publisher',
  'resources',
  'revision',
  'snap-id',
  'snap-yaml',
  'summary',
  'title',
  'type',
  'version',
  'website',
];

const text = z.string().default('');
function isMoment(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}

const downloadSchema = z.looseObject({
  'sha3-384': z.string().regex(/^[0-9a-f]{96}$/),
  size: z.number().int().min(1),
  url: z.string().max(2000),
});
/** A snap in an answer. */
export const snapSchema = z.looseObject({
  'snap-id': z.string(),
  // Files are named by it.
  name: z.string().refine(isSnapName, 'a snap name'),
  revision: z.number().int().min(1),
  version: text,
  type: z.string().default('app'),
  title: text,
  summary: text,
  description: text,
  license: z.string().nullish(),
  contact: z.string().nullish(),
  website: z.string().nullish(),
  private: z.boolean().default(false),
  links: z.record(z.string(), z.array(z.string())).nullish(),
  media: z
    .array(
      z.looseObject({
        type: z.string(),
        url: z.string(),
        width: z.number().nullish(),
        height: z.number().nullish(),
      }),
    )
    .nullish(),
  publisher: z.looseObject({ id: z.string() }),
  /** The store that it is in, where the upstream says so: an authority of ours does. */
  store: z.string().optional(),
  /** Its assertions with their chains, where they came with it. */
  assertions: z.string().optional(),
  'created-at': z.string().optional(),
  download: downloadSchema,
  /** The components that go with this revision. */
  resources: z
    .array(
      z.looseObject({
        name: z.string().refine(isSnapName, 'a component name'),
        type: text,
        revision: z.number().int().min(1),
        version: text,
        description: text,
        'created-at': z.string().refine(isMoment, 'a moment'),
        download: downloadSchema,
      }),
    )
    .max(200)
    .nullish(),
  /** What its file says of itself; null or empty where the upstream does not tell. */
  'snap-yaml': z.string().nullish(),
  /** The channel that really holds it, where an empty one fell back to a safer one. */
  'effective-channel': z.string().nullish(),
  /** When the channel got it, where the upstream says so. */
  'released-at': z.string().nullish(),
});
/** What one action gave. */
export const resultSchema = z.looseObject({
  result: z.string(),
  name: z.string().optional(),
  'instance-key': z.string().optional(),
  'effective-channel': z.string().optional(),
  'released-at': z.string().nullish(),
  snap: snapSchema.optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
});
/** An answer of the refresh endpoint. */
export const refreshSchema = z.looseObject({ results: z.array(z.unknown()).nullable() });

/** What a store says of all channels of a snap, as far as we want it. */
export const infoSchema = z.looseObject({
  'snap-id': z.string(),
  'channel-map': z
    .array(
      z.looseObject({
        channel: z.looseObject({ name: z.string(), architecture: z.string() }),
        revision: z.number().int().min(1),
      }),
    )
    .max(10_000),
});
/** The same from an authority of ours, which also says what a revision is for. */
export const carriedChannelsSchema = z.looseObject({
  'snap-id': z.string(),
  releases: z
    .array(z.object({ channel: z.string(), architecture: z.string(), revision: z.number().int().min(1) }))
    .max(10_000),
  revisions: z
    .array(z.object({ revision: z.number().int().min(1), architectures: z.array(z.string()) }))
    .max(100_000),
});
/** A snap in an answer that was asked for its architectures alone. */
export const architecturesSchema = z.looseObject({
  results: z.tuple([
    z.looseObject({
      snap: z
        .looseObject({ revision: z.number(), architectures: z.array(z.string()).default([]) })
        .optional(),
    }),
  ]),
});

/** The names of a store's snaps, from an authority of ours. */
export const snapNamesSchema = z.looseObject({
  snaps: z.array(z.looseObject({ name: z.string().refine(isSnapName, 'a snap name') })).max(20_000),
  /** Sentences about what is not among them. */
  warnings: z.array(z.string().max(1000)).max(1000).default([]),
});

/** Who the log-in is, to an authority of ours that knows it as a store's admin. */
export const storeAdminSchema = z.looseObject({
  accountId: z.string().max(64),
  username: z.string().max(200),
  displayName: z.string().max(200),
  email: z.string().max(320),
  /** When the log-in ends. */
  expires: z.iso.datetime({ precision: 3 }).nullable(),
});
/** See {@link storeAdminSchema}. */
export type StoreAdminFacts = z.output<typeof storeAdminSchema>;

/** A refusal in the envelope of the store. */
export const refusalSchema = z.looseObject({
  'error-list': z.tuple([z.looseObject({ code: z.string(), message: z.string() })]).rest(z.unknown()),
});

/** A snap as another store offers it. */
export type UpstreamSnap = z.output<typeof snapSchema>;

/** A component as another store offers it. */
export type UpstreamResource = NonNullable<UpstreamSnap['resources']>[number];

/** The JSON of an answer; undefined when it is none. */
export async function jsonOf(response: Response): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await limited(response, ANSWER_MAX)));
  } catch (cause) {
    if (cause instanceof UpstreamError) throw cause;
    return undefined;
  }
}

/** The bytes of an answer, up to a limit. */
export async function limited(response: Response, limit: number): Promise<Uint8Array> {
  const tooLong = () =>
    new UpstreamError('upstream-answer-malformed', `cannot read an answer of more than ${limit} bytes`);
  return limitedBytes(response.body, limit, tooLong);
}
