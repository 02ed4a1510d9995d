import { sentenceOf } from '../errors.ts';
import { generation } from '../storage/index.ts';
import type { Foundation } from './foundation.ts';

const LOOK_MS = 1_000;

/**
 * Calls `apply` once now, and again whenever some process changed a setting; one call after the other. A call that fails
 * later on is logged, once for as long as it fails in the same way, and repeated at the next look.
 * @param unsettled true while a further call may help although no setting changed; asked at each look
 * @returns ends it
 */
export async function followSettings(
  { database, log }: Pick<Foundation, 'database' | 'log'>,
  apply: () => Promise<void>,
  unsettled: () => boolean = () => false,
): Promise<() => Promise<void>> {
  const { queries } = database;
  let seen = await generation(queries, 'settings');
  await apply();
  let busy: Promise<void> | undefined;
  let failure: string | undefined;
  const failed = (error: unknown) => {
    if (sentenceOf(error) !== failure) log.error({ error }, 'could not apply changed settings');
    failure = sentenceOf(error);
  };
  const look = async () => {
    const now = await generation(queries, 'settings');
    if (now !== seen || unsettled()) {
      await apply();
      seen = now;
    }
    failure = undefined;
  };
  const timer = setInterval(() => {
    busy ??= look()
      .catch(failed)
      .finally(() => (busy = undefined));
  }, LOOK_MS).unref();
  return async () => {
    clearInterval(timer);
    await busy;
  };
}
