import { CountersignError } from '../../protocol/errors.ts';
import type { OpenedEpoch } from './meeting-group.ts';
import type { SignedMessage } from './senders.ts';
import type { Head } from './session.ts';

/** A relay that knows older messages only must not lead this device back, nor to another sender of the term. */
export function assertNotBack({ claims, hash, device }: SignedMessage, head: Head | null): void {
  if (head === null || hash === head.hash) return;
  if (claims.term < head.claims.term || claims.epoch <= head.claims.epoch) {
    throw new CountersignError('rekey_replayed', 'the relay’s newest message is not newer');
  }
  if (claims.term === head.claims.term && device !== head.device) {
    throw new CountersignError('rekey_sender', 'the term has another sender');
  }
}

/** What says that this person or device has no part in the meeting any more. */
export const OUT: ReadonlySet<string> = new Set([
  'group_not_member',
  'group_excluded',
  'group_ended',
  'group_unknown',
  'sign_in_required',
  'unauthenticated',
  'device_not_endorsed',
  'forbidden',
  'admission_refused',
]);

/**
 * What says that a message is not the host's next one. Any other failure says nothing of the message: its evidence may
 * be too old, or a record missing, and the message the one that everybody else follows.
 */
export const NO_MESSAGE: ReadonlySet<string> = new Set([
  'rekey_sender',
  'rekey_replayed',
  'group_not_admin',
  'claims_invalid',
  'jws_malformed',
  'jws_algorithm',
  'jws_type',
  'jws_signature',
  'jws_unknown_key',
]);

/** The sealed key is the one of this message: same epoch, same commitment, and by the same device. */
export function assertKeyOf(
  { claims, device }: Pick<SignedMessage, 'claims' | 'device'>,
  { claims: sealed, sealer }: OpenedEpoch,
): void {
  const matches =
    sealed.key_id === claims.key_id &&
    sealed.term === claims.term &&
    sealed.epoch === claims.epoch &&
    sealed.commitment === claims.commitment &&
    sealer.device.device_id === device;
  if (!matches) throw new CountersignError('sealed_key_mismatch', 'it is not the key of the host’s message');
}
