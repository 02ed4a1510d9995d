import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'protobufjs';
import { z } from 'zod';

/** The part of OpenTelemetry's public protocol (OTLP 1, traces) that tests look at. */
const { root } = parse(`
  syntax = "proto3";
  message Traces { repeated ResourceSpans resourceSpans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5;
    fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8;
    repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15;
  }
  message Link { bytes traceId = 1; bytes spanId = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; }
  }
`);
const traces = root.lookupType('Traces');

const id = z.string().transform((base64) => Buffer.from(base64, 'base64').toString('hex'));
const value = z
  .object({
    stringValue: z.string().optional(),
    boolValue: z.boolean().optional(),
    intValue: z.coerce.number().optional(),
    doubleValue: z.number().optional(),
  })
  .transform((any) => any.stringValue ?? any.boolValue ?? any.intValue ?? any.doubleValue ?? '');
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .default([])
  .transform((pairs) => Object.fromEntries(pairs.map((pair) => [pair.key, pair.value])));
const place = z.object({ traceId: id, spanId: id });
const span = place.extend({
  parentSpanId: id.default(''),
  name: z.string(),
  attributes,
  links: z.array(place).default([]),
  startTimeUnixNano: z.coerce.number(),
  endTimeUnixNano: z.coerce.number(),
});
const message = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});

/** A span as it was received. */
export type CollectedSpan = z.infer<typeof span>;

/** A collector of traces on this machine, as operators run one; it keeps everything that it is sent. */
export class OtlpCollector {
  readonly #server: Server;
  readonly url: string;
  readonly spans: CollectedSpan[] = [];
  /** Attributes of who sent them. */
  readonly resources: Readonly<Record<string, unknown>>[] = [];
  /** All that came in, as bytes. */
  readonly received: Buffer[] = [];

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(): Promise<OtlpCollector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const collector = new OtlpCollector(server, `http://127.0.0.1:${String(port)}`);
    server.on('request', (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const known = request.method === 'POST' && request.url === '/v1/traces';
        if (known) collector.#take(Buffer.concat(parts));
        response.writeHead(known ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    return collector;
  }

  /** The spans of one trace. */
  trace(traceId: string): CollectedSpan[] {
    return this.spans.filter((one) => one.traceId === traceId);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(bytes: Buffer): void {
    this.received.push(bytes);
    const decoded = traces.toObject(traces.decode(bytes), { bytes: String, longs: String });
    for (const { resource, scopeSpans } of message.parse(decoded).resourceSpans) {
      this.resources.push(resource.attributes);
      this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
    }
  }
}
