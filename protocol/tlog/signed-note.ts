import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';

/** One signature of a note. Nothing of it is verified. */
export interface NoteSignature {
  /** Of the key. */
  readonly name: string;
  /** First 32 bits of a hash over name, type and public key: a hint, no fingerprint. */
  readonly keyId: number;
  /** What follows the key id, in the form that the type of the key gives it. */
  readonly bytes: Uint8Array;
}

/** A note: a text that ends with a newline, and its signatures (C2SP signed-note). */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that signs notes or cosigns checkpoints; where its private half is, is the implementation's matter. */
export interface NoteSigner {
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The Ed25519 signature over these bytes, 64 bytes. */
  sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

/** Verifiers must take 16; a hundred leaves room for every witness of a large quorum. */
export const MAX_NOTE_SIGNATURES = 100;

const KEY_NAME = '[^\\p{White_Space}\\p{Cc}+]+';
const SIGNATURE_LINE = new RegExp(`^\u2014 (${KEY_NAME}) ([A-Za-z0-9+/]+={0,2})$`, 'u');
const KEY_ID_BYTES = 4;

/** Whether a key may bear this name: something, without spaces and plus signs. */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && new RegExp(`^${KEY_NAME}$`, 'u').test(name);
}

/** The note that a text is, with nothing verified. Throws `note_malformed`. */
export function parseNote(note: string): Note {
  if (!note.isWellFormed() || hasControls(note)) refuse('it holds what a note may not');
  // The text may have empty lines of its own: the last one parts it from the signatures.
  const gap = note.lastIndexOf('\n\n');
  if (gap < 0) refuse('it has no signatures');
  return { text: note.slice(0, gap + 1), signatures: parseSignatureLines(note.slice(gap + 2)) };
}

/** Lines of signatures alone, one to a hundred, as witnesses answer them. Throws `note_malformed`. */
export function parseSignatureLines(text: string): NoteSignature[] {
  if (!text.endsWith('\n')) refuse('the last line does not end');
  const lines = text.slice(0, -1).split('\n', MAX_NOTE_SIGNATURES + 1);
  if (lines.length > MAX_NOTE_SIGNATURES) refuse('it has too many signatures');
  return lines.map((line) => parseSignatureLine(line));
}

/** The text of a note, to be sent or stored. Throws `note_malformed` when its text or a key's name can be none. */
export function formatNote({ text, signatures }: Note): string {
  const note = `${text}\n${signatures.map((signature) => formatSignatureLine(signature)).join('')}`;
  if (!text.endsWith('\n')) refuse('its text does not end with a newline');
  parseNote(note);
  return note;
}

/** The line of a signature, with its newline. Throws `note_malformed` when the name can be none. */
export function formatSignatureLine({ name, keyId, bytes }: NoteSignature): string {
  if (!isKeyName(name)) refuse('the name of a key is malformed');
  const id = new Uint8Array(KEY_ID_BYTES);
  new DataView(id.buffer).setUint32(0, keyId);
  return `\u2014 ${name} ${encodeBase64(concatBytes(id, bytes))}\n`;
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
  const blob = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || blob === undefined || blob.length <= KEY_ID_BYTES) {
    refuse('a line of its signatures is none');
  }
  return {
    name,
    keyId: new DataView(blob.buffer, blob.byteOffset).getUint32(0),
    bytes: blob.subarray(KEY_ID_BYTES),
  };
}

/** Control characters below U+0020, of which a note may hold only the newline. */
function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}

function refuse(reason: string): never {
  throw new CountersignError('note_malformed', reason);
}
