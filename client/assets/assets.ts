import type { Party } from '../../protocol/groups/party.ts';
import type {
  DataToSeal,
  KeyRecipient,
  PolicyRecipients,
  RecipientsPolicy,
  SealedKeyMade,
  SealedKeyName,
  Sealer,
  SealRecipient,
} from '../groups/groups.ts';

/** What is sealed or opened: bytes at hand, or a stream of them, of any length. */
export type AssetContent = Uint8Array | ReadableStream<Uint8Array>;

export interface SealedAsset extends SealedKeyName {
  /** The others who can open it, where policy named several. */
  readonly also: readonly SealedKeyName[];
  /** The policy that named them; null where the caller did. */
  readonly policy: RecipientsPolicy | null;
  /** The sealed asset as it is made: header and chunks of 64 KiB. */
  readonly stream: ReadableStream<Uint8Array>;
}

export interface OpenedAsset {
  readonly to: Party;
  readonly keyId: string;
  /** Whose device sealed the key and made the file under it: the latter once the stream has ended without an error. */
  readonly sealer: Sealer;
  /**
   * The content. Each piece is in its place, by somebody who has the key; that nothing is missing, and that the sealer's
   * device signed all of it, is known when the stream has ended without an error. It fails with `asset_damaged`, and with
   * `asset_signature` where another reader of the key made it.
   */
  readonly stream: ReadableStream<Uint8Array>;
}

/** Files of any size for a group or a person: agenda, transcript, recording. AES-256-GCM under a sealed key. */
export interface Assets {
  /**
   * `key`: one that this device sealed before (`groups.sealKey`), for several assets of one kind; a fresh one if absent.
   * Throws `asset_signature` for one that another device sealed, and what `groups.sealKey` throws.
   */
  seal(content: AssetContent, options: { to: SealRecipient } | { key: SealedKeyMade }): Promise<SealedAsset>;
  /**
   * Whom policy names for such data, to show it before anything is sealed. Throws `recipients_none`, `policy_bundle_invalid`
   * and `bridge_invalid` where the bridge names others than its signed policy does, `malformed_request` where the policy
   * names the data subject and nobody was given, `group_unknown`, `group_ended`, `group_untrusted` for a group that the
   * policy names in vain, and what does not verify.
   */
  recipients(data: DataToSeal): Promise<PolicyRecipients>;
  /**
   * `from`: whose asset it must be, with the `expected` admin where the group is new here; without it the header says
   * (then the group must be pinned). `sealer`: as for `groups.openKey`. Throws `asset_invalid`, `sealed_key_mismatch`
   * and what `groups.openKey` throws.
   */
  open(content: AssetContent, expected?: { from?: KeyRecipient; sealer?: string }): Promise<OpenedAsset>;
}
