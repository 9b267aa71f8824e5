import { CountersignError } from '../../protocol/errors.ts';
import type { GroupView } from '../../protocol/groups/api.ts';
import type { FindKeySigner, KeySigner } from '../../protocol/groups/group-key-chain.ts';
import { claimedReceipt, verifyGroupKeyReceipt } from '../../protocol/groups/group-key-receipt.ts';
import type { KeptEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import { type OnlineKeys, verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { pinnedIssuer } from '../issuer-records.ts';
import type { ClientParts } from '../own-account.ts';
import { createPinDraft } from '../pin-draft.ts';
import { verifyPastSigner } from './past-signer.ts';
import { lookUpToday, type StatementsToday } from './past-statement.ts';
import { claimedDevice, signersOf } from './signers.ts';

/** The verified device of this id as it was `then`, seconds. Throws `jws_unknown_key` and as `verifyPastSigner` does. */
export type FindPastSigner = (deviceId: string, then: number) => Promise<VerifiedSigner>;

/** A device, and the times (seconds) from which to which it is known to have been somebody's. */
interface KnownSigner {
  readonly signer: VerifiedSigner;
  readonly from: number;
  readonly to: number;
}

/** Devices that are gone, by what their bridge kept of when they signed. Each person is looked up once. */
export function pastSignersOf(parts: ClientParts, kept: readonly KeptEvidence[]): FindPastSigner {
  const shown = kept
    .map((each) => ({ ...each, deviceId: claimedDevice(each.evidence) }))
    .sort((one, other) => other.since - one.since);
  const asked = new Map<string, Promise<StatementsToday>>();
  const today = (address: string) => {
    const answer = asked.get(address) ?? lookUpToday(parts, address);
    asked.set(address, answer);
    return answer;
  };
  const known = new Map<KeptEvidence, KnownSigner>();
  return async (deviceId, then) => {
    const found = shown.find((each) => each.deviceId === deviceId && each.since <= then + CLOCK_SKEW);
    if (found === undefined) {
      throw new CountersignError('jws_unknown_key', 'there is no evidence of the device that signed');
    }
    // What held at two times held between them: bindings have one beginning and one end.
    const before = known.get(found);
    if (before !== undefined && before.from <= then && then <= before.to) return before.signer;
    const signer = await verifyPastSigner(parts, found.evidence, then, today);
    if (signer.device.device_id !== deviceId) {
      throw new CountersignError('jws_unknown_key', 'the evidence is of another device');
    }
    const from = Math.min(then, before?.from ?? then);
    known.set(found, { signer, from, to: Math.max(then, before?.to ?? then) });
    return signer;
  };
}

/**
 * Who signed the keys of a group that a bridge shows. A device of which there is no evidence of now signed what the
 * group's bridge says now that it stored while the device was good: neither it nor anybody on the way can date that back.
 *
 * What it finds throws as the evidence does; a device without any is `jws_unknown_key`, a receipt for something else is
 * `group_key_mismatch`.
 */
export function keySignersOf(parts: ClientParts, { iss, group, signers, kept }: GroupView): FindKeySigner {
  const now = signersOf(parts, signers);
  const isShown = new Set(signers.map(claimedDevice));
  const past = pastSignersOf(parts, kept?.signers ?? []);
  const receipts = new Map((kept?.receipts ?? []).map((receipt) => [claimedReceipt(receipt).token, receipt]));

  async function byReceipt(receipt: string, deviceId: string, hash: string): Promise<KeySigner> {
    const signer = await past(deviceId, claimedReceipt(receipt).stored);
    // The look-up of the signer brought the record of the issuer.
    const keys = await onlineKeysOfNow(parts, { iss, address: signer.address }, kept?.online_keys ?? '');
    const claims = await verifyGroupKeyReceipt(receipt, keys, parts.context.now());
    const isFor =
      claims.iss === iss && claims.group === group && claims.token === hash && claims.device_id === deviceId;
    if (!isFor) throw new CountersignError('group_key_mismatch', 'the receipt is for another key');
    return { address: signer.address, device: signer.device, stored: claims.stored };
  }

  return (deviceId, hash) => {
    const receipt = receipts.get(hash);
    return receipt === undefined || isShown.has(deviceId)
      ? now(deviceId)
      : byReceipt(receipt, deviceId, hash);
  };
}

/** With which keys a bridge signs now, under its pinned root. Throws as `verifyOnlineKeys` does. */
async function onlineKeysOfNow(
  { context }: ClientParts,
  { iss, address }: { readonly iss: string; readonly address: string },
  token: string,
): Promise<OnlineKeys> {
  const now = context.now();
  const issuer = pinnedIssuer(createPinDraft(await context.pins.read()), iss, address, now);
  const { root_thumbprint: rootThumbprint, serial: leastSerial, compromised = [] } = issuer;
  return verifyOnlineKeys(token, { iss, rootThumbprint, leastSerial, compromised }, now);
}
