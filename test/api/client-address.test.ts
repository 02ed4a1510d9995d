import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../src/api/client-address.ts';

const fronts = ['10.0.0.7', '2001:db8::/64'];

describe('the address of whoever asks', () => {
  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['is the connection’s own without a header', '192.0.2.1', undefined, '192.0.2.1'],
    ['is not what a stranger says', '192.0.2.1', '10.1.1.1', '192.0.2.1'],
    ['is what a front says', '10.0.0.7', '192.0.2.9', '192.0.2.9'],
    ['is what a front says over IPv6', '2001:db8::1', '2001:db8:1::9', '2001:db8:1::9'],
    ['of a front is known in IPv6 clothes too', '::ffff:10.0.0.7', '192.0.2.9', '192.0.2.9'],
    ['is the last one that a front wrote', '10.0.0.7', '10.1.1.1, 192.0.2.9', '192.0.2.9'],
    ['is looked for through several fronts', '10.0.0.7', '10.1.1.1, 192.0.2.9,2001:db8::2', '192.0.2.9'],
    ['is that of the first front when all are fronts', '10.0.0.7', '2001:db8::2, 2001:db8::3', '2001:db8::2'],
    ['may come with a port', '10.0.0.7', '192.0.2.9:4711', '192.0.2.9'],
    ['may come in brackets', '10.0.0.7', '[2001:db8:1::9]:4711', '2001:db8:1::9'],
    ['is the front’s where it says nothing', '10.0.0.7', '', '10.0.0.7'],
    ['is the front’s where it says nonsense', '10.0.0.7', '192.0.2.9, unknown', '10.0.0.7'],
    ['is no network', '10.0.0.7', '0.0.0.0/0', '10.0.0.7'],
    ['is not known of a connection that ended', undefined, '192.0.2.9', undefined],
  ])('%s', (_, peer, forwardedFor, expected) => {
    expect(clientAddress({ peer, forwardedFor, fronts })).toBe(expected);
  });

  it('is the connection’s own while no front is trusted', () => {
    expect(clientAddress({ peer: '10.0.0.7', forwardedFor: '192.0.2.9', fronts: [] })).toBe('10.0.0.7');
    expect(clientAddress({ peer: '10.0.0.7', forwardedFor: '192.0.2.9', fronts: ['10/8', ''] })).toBe(
      '10.0.0.7',
    );
  });
});
