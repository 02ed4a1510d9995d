import type { Socket } from 'node:net';

/** Has the two ends of a connection that somebody carries by hand end together: what fails or closes on one side does on the other. */
export function endTogether(client: Socket, server: Socket): void {
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}
