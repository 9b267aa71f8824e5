import { labelled } from '../../protocol/canonical-json.ts';
import { sha256 } from '../../protocol/hash.ts';
import type { MeetingRef } from './meeting.ts';

const GROUPS = 6;
const BYTES_OF_GROUP = 5;

/**
 * Thirty digits, in groups of five, over the newest message of the host. It names the one before it, and the root of the
 * tree's leaves: who has the same digits has seen the same host, members and epochs. 99 bits, since a lying host could
 * make many messages until two look alike.
 */
export function meetingFingerprint({ iss, group }: MeetingRef, messageHash: string): string {
  const digest = sha256(labelled('meeting-fingerprint', { iss, group, message: messageHash }));
  return Array.from({ length: GROUPS }, (_, index) =>
    digits(digest.subarray(index * BYTES_OF_GROUP, (index + 1) * BYTES_OF_GROUP)),
  ).join(' ');
}

function digits(bytes: Uint8Array): string {
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return String(number % 100_000).padStart(5, '0');
}
