import { connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { freePort } from './free-port.ts';
import { endTogether } from './joined-sockets.ts';

/** A network that can fail. */
export interface CuttingProxy {
  readonly address: string;
  /** Cuts the connection that carries the byte of this number towards the server, counted over all; undefined heals it. */
  cutAfter(bytes: number | undefined): void;
  /** Bytes that went towards the server. */
  readonly sent: number;
}

/** Passes bytes to a port of this machine and back, until it is told to cut. Once cut, every connection is. */
export async function cuttingProxy(port: number): Promise<CuttingProxy> {
  let limit = Number.POSITIVE_INFINITY;
  let sent = 0;
  const network = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    client.on('data', (chunk) => {
      sent += chunk.length;
      if (sent > limit) {
        client.destroy();
        server.destroy();
      } else server.write(chunk);
    });
    server.on('data', (chunk) => client.write(chunk));
    endTogether(client, server);
  });
  const own = await freePort();
  await new Promise<void>((resolve) => network.listen(own, '127.0.0.1', resolve));
  onTestFinished(() => void network.close());
  return {
    address: `http://127.0.0.1:${own}`,
    cutAfter(bytes) {
      limit = bytes === undefined ? Number.POSITIVE_INFINITY : sent + bytes;
    },
    get sent() {
      return sent;
    },
  };
}
