import { z } from 'zod';
import { AirlockError } from '../errors.ts';

/** Which share of the traces is kept, in the standard's words. */
export interface SamplerSetting {
  /** Whether a span below another one is kept if and only if that one is. */
  readonly parentBased: boolean;
  /** From 0 to 1. */
  readonly share: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'parentbased_';
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;
const sampler = z.enum([...SAMPLERS, ...SAMPLERS.map((name) => `${PREFIX}${name}` as const)]);
const share = z.coerce.number().min(0).max(1);

/**
 * What the standard variables of OpenTelemetry ask for; undefined when they name no collector, or want no traces. The
 * exporter reads address, headers, certificates, compression and timeouts by itself.
 * @throws AirlockError `traces-setting-invalid` naming the variable
 */
export function traceSettings(env: Environment): SamplerSetting | undefined {
  const endpoint =
    value(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? value(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const off = env['OTEL_TRACES_EXPORTER'] === 'none' || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true';
  if (endpoint === undefined || off) return undefined;
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : ''))
    throw invalid('OTEL_EXPORTER_OTLP_ENDPOINT', 'it must be an http or https address');
  const protocol =
    value(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? value(env, 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== undefined && protocol !== 'http/protobuf')
    throw invalid(
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'traces are sent by http/protobuf alone, as a rule to port 4318',
    );
  return samplerOf(env);
}

function samplerOf(env: Environment): SamplerSetting {
  const name = sampler.safeParse(value(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on');
  if (!name.success) throw invalid('OTEL_TRACES_SAMPLER', `it must be one of ${sampler.options.join(', ')}`);
  const parentBased = name.data.startsWith(PREFIX);
  if (name.data.endsWith('always_on')) return { parentBased, share: 1 };
  if (name.data.endsWith('always_off')) return { parentBased, share: 0 };
  const ratio = share.safeParse(value(env, 'OTEL_TRACES_SAMPLER_ARG') ?? '1');
  if (!ratio.success) throw invalid('OTEL_TRACES_SAMPLER_ARG', 'it must be a number from 0 to 1');
  return { parentBased, share: ratio.data };
}

/** An empty variable is one that is not set. */
function value(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}

function invalid(variable: string, why: string): AirlockError {
  return new AirlockError('invalid', 'traces-setting-invalid', `cannot use ${variable}: ${why}`);
}
