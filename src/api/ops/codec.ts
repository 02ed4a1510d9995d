import { Hono, type Context } from 'hono';
import type { Payload } from '@temporalio/common';
import { z } from 'zod';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';

const base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const payloadsSchema = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.optional() }))
    .max(1000),
});

/** Opens and seals payloads for Temporal UI and the Temporal CLI, for those who hold the operator's token. */
export function codecRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  app.post('/codec/decode', async (context) => {
    let payloads = await readPayloads(context);
    for (const codec of [...deps.codecs].toReversed()) payloads = await codec.decode(payloads);
    return context.json({ payloads: payloads.map(asJson) });
  });
  app.post('/codec/encode', async (context) => {
    let payloads = await readPayloads(context);
    for (const codec of deps.codecs) payloads = await codec.encode(payloads);
    return context.json({ payloads: payloads.map(asJson) });
  });
  return app;
}

async function readPayloads(context: Context): Promise<Payload[]> {
  const { payloads } = await jsonBody(context, payloadsSchema);
  return payloads.map(({ metadata, data }) => ({ metadata, ...(data === undefined ? {} : { data }) }));
}

function asJson({ metadata, data }: Payload) {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  };
}
