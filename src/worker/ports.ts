import { createServer } from 'node:net';
import { WorkerError } from './errors.ts';

/** A TCP port that was free a moment ago. */
async function freePort(host: string): Promise<number> {
  return listenOnce(host, 0);
}

/**
 * The port itself when it is free, or a free one for 0.
 * @throws WorkerError `temporal-port-in-use` naming the setting that holds the port
 */
export async function usablePort(host: string, port: number, setting: string): Promise<number> {
  if (port === 0) return freePort(host);
  try {
    return await listenOnce(host, port);
  } catch (cause) {
    throw new WorkerError(
      'unavailable',
      'temporal-port-in-use',
      `cannot start the Temporal server: port ${port} of ${host} is taken; stop what listens there, or set ${setting} in temporal.yaml`,
      { cause },
    );
  }
}

function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() =>
        address === null || typeof address === 'string'
          ? reject(new Error('cannot tell which port was given'))
          : resolve(address.port),
      );
    });
  });
}
