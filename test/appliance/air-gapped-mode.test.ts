import { join } from 'node:path';
import { onTestFinished, expect, test } from 'vitest';
import { eventually } from '../support/processes.ts';
import { command, Server } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A host as its operator starts it, each time on the same folder. */
async function newHost() {
  const data = join(await temporaryFolder(), 'data');
  const ports = ['--port', '0', '--https-port', '0', '--temporal-port', '0', '--temporal-ui-port', '0'];
  return {
    async start(...more: readonly string[]): Promise<Server> {
      const server = await Server.start(['up', '--data', data, ...ports, ...more], {
        AIRLOCK_LOG_LEVEL: 'error',
      });
      onTestFinished(() => server.stop().then(() => undefined));
      return server;
    },
    operator: (...args: readonly string[]) =>
      command('snap-store-proxy', args, { env: { AIRLOCK_DATA: data } }),
  };
}

/** 404 where no Model Service is; 401 where it asks who is there. */
const gateway = async ({ url }: Server) => (await fetch(`${url}/publishergw/v1/tokens/whoami`)).status;
/** What a device is told of an assertion that is nowhere: 503 from an upstream that is away, 404 by the host itself. */
const assertion = async ({ url }: Server) => (await fetch(`${url}/v2/assertions/account/nobody`)).status;

test(
  'an online host becomes an air-gapped one at once, and stays one however it is started',
  { timeout: 240_000 },
  async () => {
    const host = await newHost();
    const server = await host.start('--role', 'online');
    const nowhere = await host.operator('config', 'proxy.upstream=http://127.0.0.1:1');
    expect(nowhere.stderr).toBe('');
    expect(await assertion(server)).toBe(503);
    expect(await gateway(server)).toBe(404);

    const enabled = await host.operator('enable-airgap-mode');
    expect(enabled).toMatchObject({ status: 0, stdout: 'Air-gapped mode enabled.\n' });
    expect(enabled.stderr).toContain('none of their requests goes on to the outside store');
    await eventually('devices are answered here', async () => (await assertion(server)) === 404);
    expect(await gateway(server)).toBe(401);
    const secret = await host.operator('config', 'proxy.device-auth.secret');
    expect(secret.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await host.operator('fetch-snaps', 'jq')).stderr).toContain('it is air-gapped');

    await server.stop();
    await expect(host.start('--role', 'authority')).rejects.toThrow(
      'its data folder is that of an airgap host',
    );
    for (const role of [['--role', 'online'], []]) {
      const again = await host.start(...role);
      expect(await gateway(again)).toBe(401);
      expect((await host.operator('config', 'proxy.device-auth.secret')).stdout).toBe(secret.stdout);
      await again.stop();
    }
  },
);

test('an authority does not become an air-gapped host', { timeout: 240_000 }, async () => {
  const host = await newHost();
  const server = await host.start('--role', 'authority');
  for (const words of [['enable-airgap-mode'], ['config', 'proxy.airgap=True', 'proxy.domain=elsewhere']]) {
    const { status, stdout, stderr } = await host.operator(...words);
    expect({ status, stdout }).toEqual({ status: 6, stdout: '' });
    expect(stderr).toMatch(/^error: cannot enable air-gapped mode here: this host is an authority; /);
  }
  expect((await host.operator('config', 'proxy.airgap', 'proxy.domain')).stdout).toBe(
    'proxy.airgap: False\nproxy.domain: localhost\n',
  );
  expect((await host.operator('config', 'proxy.device-auth.secret')).stdout).toBe('');
  await server.stop();
});
