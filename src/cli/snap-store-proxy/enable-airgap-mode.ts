import { Command } from '@commander-js/extra-typings';

import type { CliContext } from '../context.ts';
import { operatorClient } from '../operator.ts';
import { note, print } from '../terminal.ts';
import { settingValue } from './setting-value.ts';

/** `enable-airgap-mode`: an online host becomes an air-gapped one, with a secret of device sessions that is made once (seed 000). */
export function enableAirgapModeCommand(context: CliContext) {
  return new Command('enable-airgap-mode')
    .description('serve devices by their serials, with no route to an upstream store')
    .action(async () => {
      const client = await operatorClient(context);
      const before = await settingValue(client, 'proxy.airgap');
      await client.perform('/ops/v1/config', {
        method: 'PATCH',
        json: { set: { 'proxy.airgap': 'True' }, unset: [] },
      });
      const already = before === 'True';
      print(context.terminal, already ? 'Air-gapped mode is enabled already.' : 'Air-gapped mode enabled.');
      if (!already)
        note(
          context.terminal,
          'From now on devices see what is pushed here, and none of their requests goes on to the outside store.',
        );
      note(context.terminal, 'Back up proxy.device-auth.secret: device sessions are signed with it.');
    });
}
