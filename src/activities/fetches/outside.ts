import { Settings } from '../../config/index.ts';
import { AirlockError } from '../../errors.ts';
import type { SettingStore } from '../../storage/index.ts';

/** Between two looks at whether the host still asks outside. */
const LOOK_MS = 1_000;

/**
 * An air-gapped host asks nothing outside, and would wait for an upstream that it is not to have.
 * @throws AirlockError `host-air-gapped`
 */
export async function requireOutside(settings: SettingStore): Promise<void> {
  if (!(await isAirgapped(settings))) return;
  throw new AirlockError(
    'conflict',
    'host-air-gapped',
    'cannot fetch on this host: it is air-gapped and asks nothing outside; fetch on an online host, and push the files here',
  );
}

/**
 * Runs what asks outside for as long as the host does that: when its air-gapped mode is enabled meanwhile, the work is stopped by its signal.
 * @throws AirlockError `host-air-gapped` before or in the middle of it
 */
export async function whileOutside<Result>(
  settings: SettingStore,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  await requireOutside(settings);
  const enabled = new AbortController();
  const timer = setInterval(() => {
    // A look that fails says nothing: the next one may.
    isAirgapped(settings).then(
      (gone) => gone && enabled.abort(),
      () => undefined,
    );
  }, LOOK_MS);
  try {
    return await work(AbortSignal.any([signal, enabled.signal]));
  } catch (error) {
    if (enabled.signal.aborted) await requireOutside(settings);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Whether this host asks nothing outside. */
export async function isAirgapped(settings: SettingStore): Promise<boolean> {
  const value = await settings.get(AIRGAP);
  return new Settings(new Map(value === undefined ? [] : [[AIRGAP, value]])).flag(AIRGAP);
}

const AIRGAP = 'proxy.airgap';
