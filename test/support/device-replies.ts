import { z } from 'zod';

export const requestIdReply = z.object({ 'request-id': z.string().min(1) });
export const nonceReply = z.object({ nonce: z.string().min(1) });
export const sessionReply = z.object({ macaroon: z.string().regex(/^[^"\n]+$/) });

const download = z.object({ 'sha3-384': z.string().regex(/^[0-9a-f]{96}$/), size: z.number(), url: z.url() });

const channel = z.looseObject({
  name: z.string(),
  risk: z.string(),
  track: z.string(),
  architecture: z.string(),
});

/** What `GET /v2/snaps/info/NAME` gives. */
export const infoReply = z.looseObject({
  name: z.string(),
  'snap-id': z.string(),
  'channel-map': z.array(
    z.looseObject({
      channel,
      revision: z.number(),
      version: z.string().optional(),
      download: download.optional(),
    }),
  ),
});
export type InfoReply = z.infer<typeof infoReply>;

/** What `POST /v2/snaps/refresh` gives. */
export const refreshReply = z.looseObject({
  results: z.array(
    z.looseObject({
      result: z.string(),
      'instance-key': z.string().optional(),
      'snap-id': z.string().optional(),
      name: z.string().optional(),
      'effective-channel': z.string().optional(),
      snap: z
        .looseObject({ name: z.string(), revision: z.number(), 'snap-id': z.string(), download })
        .optional(),
      error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
      'assertion-stream-urls': z.array(z.url()).optional(),
    }),
  ),
  'error-list': z.array(z.looseObject({ code: z.string(), message: z.string() })).optional(),
});
export type RefreshReply = z.infer<typeof refreshReply>;
