import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';

/** `snap-store-proxy`, `snap-proxy` and `enterprise-store`: what a store's operator does. */
export function snapStoreProxyProgram(_context: CliContext): Command {
  return new Command('snap-store-proxy').description('fetch, push and serve snaps');
}
