import { type EncryptionKey, type SignatureKey, thumbprint } from '../protocol/public-key.ts';
import type { Pins } from './pin-store.ts';

/** Keys of the person that this device made, opened or was endorsed by. `client_half`: null where it is not known. */
interface KnownOwnKey {
  readonly address: string;
  readonly client_half: EncryptionKey | null;
  readonly sig: SignatureKey;
}

/** The very same pins if there is nothing new in it. */
export function withOwnKey(pins: Pins, { address, client_half, sig }: KnownOwnKey): Pins {
  const before = pins.own_key?.address === address ? pins.own_key : null;
  const half = client_half ?? before?.client_half ?? null;
  const sigs = [...new Set([...(before?.sigs ?? []), thumbprint(sig)])];
  const own_key = { address, client_half: half, sigs };
  return JSON.stringify(own_key) === JSON.stringify(before) ? pins : { ...pins, own_key };
}

/**
 * Thumbprints of the `sig` keys of an address that are this person's, as far as this device knows: the pinned one where
 * nothing better is.
 */
export function ownSigs(pins: Pins, address: string): ReadonlySet<string> {
  const known = pins.own_key?.address === address ? pins.own_key.sigs : [];
  const pinned = pins.addresses[address];
  const first = known.length === 0 && pinned?.status === 'active' ? [thumbprint(pinned.sig)] : [];
  return new Set([...known, ...first]);
}
