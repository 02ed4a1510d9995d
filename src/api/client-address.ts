import { inNetworks, isNetwork } from '../devices/index.ts';

/**
 * The address of whoever asks. A front server writes the address of its own client behind those that it was given, so
 * `X-Forwarded-For` is read from its end, and each address only as long as the one that passed it on is a trusted front
 * (`proxy.trust-forwarded-for`). What anybody else writes there is not believed.
 */
export function clientAddress(of: {
  /** The other end of the connection. */
  readonly peer: string | undefined;
  /** The header `X-Forwarded-For`, if any. */
  readonly forwardedFor: string | undefined;
  /** Addresses and networks of the fronts. */
  readonly fronts: readonly string[];
}): string | undefined {
  const fronts = of.fronts.filter((front) => isNetwork(front));
  let address = of.peer;
  for (const written of (of.forwardedFor ?? '').split(',').toReversed()) {
    if (!inNetworks(address, fronts)) return address;
    const passedOn = bareAddress(written.trim());
    // Past what no address is, nothing is to be known.
    if (passedOn === undefined) return address;
    address = passedOn;
  }
  return address;
}

/** An address without the port that some fronts add: `10.0.0.1:4711`, `[2001:db8::1]:4711`. */
function bareAddress(written: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(written)?.[1] ?? written.replace(/^([\d.]+):\d+$/, '$1');
  return isNetwork(bare) && !bare.includes('/') ? bare : undefined;
}
