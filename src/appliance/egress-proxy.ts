import { sendThroughProxy, Settings } from '../config/index.ts';
import type { Foundation } from './foundation.ts';
import { followSettings } from './settings-watch.ts';

/**
 * Sends what goes out by HTTPS through the proxy of `proxy.https.proxy`, in the whole process, as soon as it is set.
 * @returns ends it
 */
export async function followEgressProxy(
  foundation: Pick<Foundation, 'database' | 'settings' | 'log' | 'env'>,
): Promise<() => Promise<void>> {
  let present: string | undefined;
  let restore: (() => void) | undefined;
  const settle = (proxy: string | undefined) => {
    if (proxy === present) return;
    restore?.();
    restore = proxy === undefined ? undefined : sendThroughProxy(proxy, foundation.env);
    present = proxy;
  };
  const stop = await followSettings(foundation, async () =>
    settle(new Settings(await foundation.settings.all()).text('proxy.https.proxy')),
  );
  return async () => {
    await stop();
    settle(undefined);
  };
}
