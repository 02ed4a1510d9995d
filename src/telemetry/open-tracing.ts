import type { Log } from './log.ts';
import { traceSettings, type SamplerSetting } from './trace-settings.ts';
import { noTracing, type Tracing } from './tracing.ts';

/** Spans that wait to be sent; those of some seconds at full load. What does not fit is dropped, never waited for. */
const QUEUE = 16_384;

/**
 * Tracing as the standard variables of OpenTelemetry want it: none unless OTEL_EXPORTER_OTLP_ENDPOINT (or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) names a collector. The SDK is loaded only then.
 * @throws AirlockError `traces-setting-invalid`
 */
export async function openTracing(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<Tracing> {
  const sampling = traceSettings(env);
  if (sampling === undefined) return noTracing;
  const { diag, DiagLogLevel } = await import('@opentelemetry/api');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace');
  const { sdkTracing } = await import('./sdk-tracing.ts');
  const part = log.child({ part: 'traces' });
  const warn = (message: string) => part.warn({ why: message.slice(0, 300) }, 'traces could not be sent');
  const quiet = () => undefined;
  diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  return sdkTracing({
    resource: await resource(),
    sampler: await samplerOf(sampling),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), maxQueueSize: QUEUE })],
  });
}

/** Who speaks: `airlock` on this host, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise. */
async function resource() {
  const sdk = await import('@opentelemetry/resources');
  const { hostDetector, resourceAttributesEnvDetector, serviceNameEnvDetector } = sdk;
  const detectors = [hostDetector, resourceAttributesEnvDetector, serviceNameEnvDetector];
  return sdk
    .defaultResource()
    .merge(sdk.resourceFromAttributes({ 'service.name': 'airlock' }))
    .merge(sdk.detectResources({ detectors }));
}

async function samplerOf({ parentBased, share }: SamplerSetting) {
  const { AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } =
    await import('@opentelemetry/sdk-trace');
  const root = share === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(share);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}
