import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { concatBytes } from '../bytes.ts';
import { labelled } from '../canonical-json.ts';
import { CountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import {
  decapsulate,
  ENCAPSULATED_BYTES,
  type Encapsulation,
  type EphemeralKey,
  openOnce,
  sealOnce,
} from './hpke.ts';
import type { MemberPath } from './member-path.ts';
import { type Derivation, KEY_BYTES } from './tree-keys.ts';

/** For whom a place is, and in which message. */
export interface PlaceOf extends Derivation {
  readonly leaf: number;
  readonly iss: string;
  readonly sub: string;
  readonly device_id: string;
}

const NO_DATA = new Uint8Array();

/**
 * A place in the tree for one newcomer (PROTOCOL §11): the keys from its leaf to the root, by HPKE to the ephemeral key
 * of its presence proof. `enc ‖ ciphertext` as base64url.
 */
export async function sealPlacement(
  { enc, sharedSecret }: Encapsulation,
  place: PlaceOf,
  keys: readonly Uint8Array[],
): Promise<string> {
  const ciphertext = await sealOnce(sharedSecret, placementInfo(place), NO_DATA, concatBytes(...keys));
  return encodeBase64url(concatBytes(enc, ciphertext));
}

/** What a message says of a placement: sha256 of the box. Throws `malformed_request` for what is not base64url. */
export function placementHash(box: string): string {
  return sha256Base64url(decodeBase64url(box));
}

/** Opens a placement. Throws `rekey_mismatch` for one of another place or key, and `malformed_request`. */
export async function openPlacement(
  box: string,
  place: PlaceOf,
  levels: number,
  recipient: EphemeralKey,
): Promise<MemberPath> {
  const bytes = decodeBase64url(box);
  const enc = bytes.subarray(0, ENCAPSULATED_BYTES);
  let plaintext: Uint8Array;
  try {
    const sharedSecret = await decapsulate(enc, recipient);
    const ciphertext = bytes.subarray(ENCAPSULATED_BYTES);
    plaintext = await openOnce(sharedSecret, placementInfo(place), NO_DATA, ciphertext);
  } catch (cause) {
    throw new CountersignError('rekey_mismatch', 'the placement does not open', { cause });
  }
  if (plaintext.length !== KEY_BYTES * (levels + 1)) {
    throw new CountersignError('rekey_mismatch', 'the placement has not a key for each level');
  }
  const keys = Array.from({ length: levels + 1 }, (_, level) =>
    plaintext.slice(level * KEY_BYTES, (level + 1) * KEY_BYTES),
  );
  return { leaf: place.leaf, keys };
}

function placementInfo({
  group,
  term,
  epoch,
  challenge,
  leaf,
  iss,
  sub,
  device_id,
}: PlaceOf): Uint8Array<ArrayBuffer> {
  return labelled('meeting-placement', { group, term, epoch, challenge, leaf, iss, sub, device_id });
}
