import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInNetworks, isPublicAddress, type Network, parseNetwork } from '../../bridge/lib/networks.ts';

describe('a public address', () => {
  it.each(['93.184.216.34', '8.8.8.8', '2606:4700::1111', '2a00:1450:4001::200e'])('is %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(['', 'localhost', '0177.0.0.1', '1', '127.1', '192.0.0.8', '192.0.2.1', '5f00::1', '4000::1'])(
    'is not %j',
    (address) => {
      expect(isPublicAddress(address)).toBe(false);
    },
  );

  it('is never an IPv6 form of an IPv4 address', () => {
    const prefixes = ['::ffff:', '::', '64:ff9b::'];
    fc.assert(
      fc.property(fc.ipV4(), fc.constantFrom(...prefixes), (address, prefix) => {
        expect(isPublicAddress(prefix + address)).toBe(false);
      }),
    );
  });
});

describe('a network', () => {
  it('holds the addresses of its range and of its family only', () => {
    const networks = ['10.0.0.0/8', 'fd00::/8']
      .map(parseNetwork)
      .filter((one): one is Network => one !== undefined);
    expect(isInNetworks('10.200.3.4', networks)).toBe(true);
    expect(isInNetworks('fd12::1', networks)).toBe(true);
    expect(isInNetworks('11.0.0.1', networks)).toBe(false);
    expect(isInNetworks('::ffff:10.0.0.1', networks)).toBe(false);
    expect(isInNetworks('012.0.0.1', networks)).toBe(false);
  });

  it.each(['10.0.0.0', '10.0.0.0/33', '10/8', 'fd00::/129', '10.0.0.0/8/8', '0x0a.0.0.0/8', 'example.com/8'])(
    'is not written as %s',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );
});
