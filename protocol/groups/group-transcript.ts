import { concatBytes, utf8 } from '../bytes.ts';
import { labelled } from '../canonical-json.ts';
import { sha256 } from '../hash.ts';
import type { EncryptionKey, SignatureKey } from '../public-key.ts';
import type { GroupAdmin, GroupKind } from './group-key.ts';

/** All that the making of a group is about (PROTOCOL §10). Every member binds it to one bridge, request and creator. */
export interface GroupTranscript {
  readonly iss: string;
  readonly requestId: string;
  readonly nonce: string;
  readonly offerId: string;
  /** `sub` and device id of the creator. */
  readonly creator: string;
  readonly device: string;
  readonly kind: GroupKind;
  readonly label: string;
  /** Seconds; null for durable groups. */
  readonly ends: number | null;
  /** G: the client's half. */
  readonly clientHalf: EncryptionKey;
  /** S: the bridge's share. */
  readonly share: EncryptionKey;
  /** G′ = G + S. */
  readonly groupKey: EncryptionKey;
  readonly signer: SignatureKey;
  readonly admins: readonly GroupAdmin[];
  readonly policyHash: string;
}

/** T: what the bridge proves its share over. */
export function groupTranscript(t: GroupTranscript): Uint8Array<ArrayBuffer> {
  return labelled('group', {
    iss: t.iss,
    request_id: t.requestId,
    nonce: t.nonce,
    offer_id: t.offerId,
    creator: t.creator,
    device: t.device,
    kind: t.kind,
    label: t.label,
    ends: t.ends,
    client_half: { ...t.clientHalf },
    share: { ...t.share },
    group_key: { ...t.groupKey },
    signer: { ...t.signer },
    admins: t.admins.map(({ sub, address }) => ({ sub, address })),
    policy_hash: t.policyHash,
  });
}

/** T ‖ sha256(group-key token) ‖ sha256(vault) for each admin in the token's order: what the client confirms with g. */
export function groupConfirmationTranscript(
  transcript: Uint8Array,
  parts: { readonly token: string; readonly vaults: readonly Uint8Array[] },
): Uint8Array<ArrayBuffer> {
  return concatBytes(transcript, sha256(utf8(parts.token)), ...parts.vaults.map(sha256));
}

/** What a rotation of a group's private half is about: G′ stays, the share moves by the factor. */
export interface GroupRotation {
  readonly iss: string;
  readonly group: string;
  /** The version that begins. */
  readonly keyVersion: number;
  /** The new G. */
  readonly clientHalf: EncryptionKey;
}

/**
 * Label `group-rotation` ‖ sha256(group-key token) ‖ sha256(f, 32 bytes) ‖ sha256(vault) for each admin: what the client
 * confirms with the new g.
 */
export function groupRotationTranscript(
  rotation: GroupRotation,
  parts: {
    readonly token: string;
    readonly factor: Uint8Array;
    readonly vaults: readonly Uint8Array[];
  },
): Uint8Array<ArrayBuffer> {
  const { iss, group, keyVersion, clientHalf } = rotation;
  const transcript = labelled('group-rotation', {
    iss,
    group,
    key_version: keyVersion,
    client_half: { ...clientHalf },
  });
  return concatBytes(
    transcript,
    sha256(utf8(parts.token)),
    sha256(parts.factor),
    ...parts.vaults.map(sha256),
  );
}
