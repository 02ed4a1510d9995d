import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that the kernel gives to outgoing connections and to whoever asks for any: nobody takes it by chance. */
const LOWEST = 20_000;
const BEYOND = 32_768;

/**
 * A port of the loopback interface that nobody listens on, for a server that starts later, or again. It is not held
 * meanwhile, but others who call this are as good as never given the same.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, BEYOND);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
