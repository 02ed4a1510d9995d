import { loadTemporalConfig } from '../../src/config/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { startDevServer, type DevServer } from '../../src/worker/dev-server.ts';

/** A Temporal dev server in memory, on free ports, without its UI. */
export async function startTestServer(file?: string): Promise<DevServer> {
  const config = await loadTemporalConfig({ env: {} });
  const { listen, ui } = config.devServer;
  return startDevServer({
    config: {
      ...config,
      devServer: {
        ...config.devServer,
        listen: { ...listen, port: 0, uiPort: 0 },
        ui: { ...ui, enabled: false },
      },
    },
    log: silentLog(),
    env: process.env,
    file,
  });
}
