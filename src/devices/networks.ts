import { BlockList, isIP } from 'node:net';

import { DeviceError } from './errors.ts';
import { quoted } from './names.ts';

/** Whether the text is an address or a range of addresses in CIDR form, IPv4 or IPv6. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/**
 * Whether an address lies in one of the networks. An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) counts as IPv4;
 * an unknown address lies in none. Throws {@link DeviceError} `enrolment-policy-malformed` for a network that is none.
 */
export function inNetworks(address: string | undefined, networks: readonly string[]): boolean {
  const list = new BlockList();
  for (const network of networks) {
    if (!isNetwork(network)) {
      throw new DeviceError(
        'enrolment-policy-malformed',
        `cannot use ${quoted(network)} as a network: write an address or a range such as 10.1.0.0/16`,
      );
    }
    const [base = '', prefix] = network.split('/');
    const type = isIP(base) === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(base, type);
    else list.addSubnet(base, Number(prefix), type);
  }
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
