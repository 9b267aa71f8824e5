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
  const halfSig = client_half === null ? before?.half_sig : thumbprint(sig);
  const sigs = [...new Set([...(before?.sigs ?? []), thumbprint(sig)])];
  const own_key = {
    ...{ address, client_half: half, sigs },
    ...(halfSig === undefined ? {} : { half_sig: halfSig }),
  };
  return JSON.stringify(own_key) === JSON.stringify(before) ? pins : { ...pins, own_key };
}

/**
 * U as this device knows it beside this `sig`: null where it knows none. A rotation replaces both, so that the half which
 * belongs to another `sig` says nothing of this one.
 */
export function pinnedHalf(pins: Pins, address: string, sig: SignatureKey): EncryptionKey | null {
  const own = pins.own_key?.address === address ? pins.own_key : null;
  if (own === null) return null;
  const [only, ...others] = own.sigs;
  // Stores of earlier versions do not say beside which one it was.
  const halfSig = own.half_sig ?? (others.length === 0 ? only : undefined);
  return halfSig === thumbprint(sig) ? own.client_half : null;
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
