import { Context } from '@temporalio/activity';
import { z } from 'zod';
import { isAirlockError } from '../../errors.ts';
import type { SettingStore } from '../../storage/index.ts';
import type { UpstreamWatch } from '../../upstream/index.ts';
import { finalFailureOf } from '../errors.ts';
import { withHeartbeats, type Report } from '../heartbeats.ts';
import { whileOutside } from './outside.ts';

/**
 * Attempts at an upstream that never answered: half a minute where it refuses connections, which outlasts its restart, and some seconds
 * more for each where it is silent. Whoever typed its address wrong, or is on another network, need not wait for all the others.
 */
const ATTEMPTS_UNREACHED = 6;

const reachedSchema = z.object({ reached: z.literal(true) });

/** Heartbeats of a step that asks the upstream: they say when it is silent. It ends when the host becomes air-gapped. */
export function whileAsking<Result>(
  settings: SettingStore,
  work: (signal: AbortSignal, watch: UpstreamWatch, report: Report) => Promise<Result>,
): Promise<Result> {
  return withHeartbeats((given, report) =>
    whileOutside(settings, given, (signal) => work(signal, watchOf(report, { reached: false }), report)),
  );
}

/**
 * The same for the step that asks it first: where no attempt got any answer it is final after some of them, and where one did, this step and
 * those that follow are as patient as their options say.
 */
export async function askingFirst<Result>(
  settings: SettingStore,
  work: (signal: AbortSignal, watch: UpstreamWatch) => Promise<Result>,
): Promise<Result> {
  const { info } = Context.current();
  const known: Known = { reached: reachedSchema.safeParse(info.heartbeatDetails).success };
  try {
    return await withHeartbeats((given, report) =>
      whileOutside(settings, given, (signal) => work(signal, watchOf(report, known))),
    );
  } catch (error) {
    const away = isAirlockError(error) && error.kind === 'unavailable';
    throw away && !known.reached && info.attempt >= ATTEMPTS_UNREACHED ? finalFailureOf(error) : error;
  }
}

/** What is known of the upstream: whether it ever answered. */
interface Known {
  reached: boolean;
}

/** Each beat replaces the one before: what an attempt knows of those before it, it says again. */
function watchOf(report: Report, known: Known): UpstreamWatch {
  let told: 'nothing' | 'silence' | 'answer' = 'nothing';
  if (known.reached) report({ reached: true });
  return {
    onSilence: (awaiting) => {
      told = 'silence';
      report({ awaiting, ...(known.reached && { reached: true as const }) });
    },
    onAnswer: () => {
      known.reached = true;
      if (told === 'answer') return;
      told = 'answer';
      report({ reached: true });
    },
  };
}
