import type { EpochKey, JoinedMeeting, MeetingEvent } from '../../client/index.ts';
import { must } from '../finding.ts';

/** Something said in the meeting, as the conferencing provider carries it: nobody else can read it. */
export interface Said {
  readonly epoch: number;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

const NONCE_BYTES = 12;

/** Says something to everybody who has the current key. */
export async function say(meeting: JoinedMeeting, text: string): Promise<Said> {
  const { epoch, key } = meeting.currentKey();
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const plaintext = new TextEncoder().encode(text);
  const cipher = await cipherOf(key, 'encrypt');
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, cipher, plaintext);
  return { epoch, nonce, ciphertext: new Uint8Array(ciphertext) };
}

/** What was said, with this key; null where it does not open. */
export async function hear({ key }: EpochKey, { nonce, ciphertext }: Said): Promise<string | null> {
  const cipher = await cipherOf(key, 'decrypt');
  try {
    const plaintext = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, cipher, ciphertext);
    return new TextDecoder().decode(plaintext);
  } catch {
    return null;
  }
}

function cipherOf(key: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(key), 'AES-GCM', false, [use]);
}

/** Waits for this event, from now on. Call it before what brings it about. */
export async function told<Type extends MeetingEvent['type']>(
  meeting: JoinedMeeting,
  type: Type,
): Promise<Extract<MeetingEvent, { type: Type }>> {
  for await (const event of meeting.events()) {
    if (event.type === type) return event as Extract<MeetingEvent, { type: Type }>;
  }
  must(false, `the meeting ended without ${type}`);
}

/** The key of this epoch, as soon as it is there. */
export async function keyOf(meeting: JoinedMeeting, epoch: number): Promise<EpochKey> {
  for await (const key of meeting.keys()) if (key.epoch >= epoch) return key;
  must(false, `the meeting ended before epoch ${epoch}`);
}
