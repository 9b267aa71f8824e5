import { expect, it } from 'vitest';
import { isCountersignError } from '../../../protocol/errors.ts';
import { formatCheckpoint, parseCheckpoint } from '../../../protocol/tlog/checkpoint.ts';
import { verifyCosignature } from '../../../protocol/tlog/cosignature.ts';
import { formatNote, parseNote } from '../../../protocol/tlog/signed-note.ts';
import { formatVerifierKey, parseVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../../protocol/tlog/verify-note.ts';
import { codeOf } from '../codes.ts';
import { describeWithVectors, vectorJson } from './vectors.ts';

/** When the cosigners of the vectors signed. */
const COSIGNED = 1_767_139_200;

/** Those of Go's cases in which the note is well-formed, but not signed as it must be. */
const UNSIGNED = ['no known key', 'invalid signature for known key'];

interface OpenCase {
  readonly name: string;
  readonly note: string;
  readonly keys: readonly string[];
  readonly ok: boolean;
  readonly verified?: readonly string[];
}

/** The names whose signatures of the note are right, or the code with which it is refused. */
async function signersOf({ note, keys }: OpenCase): Promise<readonly string[] | string> {
  try {
    const verified = await verifyNote(parseNote(note), keys.map(parseVerifierKey));
    return verified.map(({ key }) => key.name);
  } catch (error) {
    if (isCountersignError(error)) return error.code;
    throw error;
  }
}

describeWithVectors('The public vectors of signed notes', () => {
  it('are opened or refused as Go does', async () => {
    const { cases } = vectorJson<{ cases: OpenCase[] }>('notes/go-note-open.json');
    for (const vector of cases) {
      const signers = await signersOf(vector);
      const refusal = UNSIGNED.includes(vector.name) ? 'note_signature' : 'note_malformed';
      expect(signers, vector.name).toEqual(vector.ok ? vector.verified : refusal);
      if (vector.ok) expect(formatNote(parseNote(vector.note))).toBe(vector.note);
    }
  });

  it('have verifier keys that are none', async () => {
    const { badVkeys } = vectorJson<{ badVkeys: string[] }>('notes/go-note-open.json');
    for (const vkey of badVkeys) expect(await codeOf(() => parseVerifierKey(vkey)), vkey).toBe('key_invalid');
  });

  it('hold the example of the specification', async () => {
    const { 'signed-note example': example } = vectorJson<{
      'signed-note example': { vkey: string; note: string };
    }>('notes/c2sp-examples.json');
    const key = parseVerifierKey(example.vkey);
    expect(formatVerifierKey(key)).toBe(example.vkey);
    const [verified] = await verifyNote(parseNote(example.note), [key]);
    expect(verified?.key).toBe(key);
  });

  it('hold cosignatures, which verify over their checkpoint and over no other', async () => {
    const { cases } = vectorJson<{ cases: { note: string; cosigner: string }[] }>(
      'notes/cosignature-v1.json',
    );
    for (const vector of cases) {
      const note = parseNote(vector.note);
      const key = parseVerifierKey(vector.cosigner);
      const verified = await verifyNote(note, [key]);
      expect(verified.map(({ time }) => time)).toEqual([COSIGNED]);
      const checkpoint = parseCheckpoint(note.text);
      expect(formatCheckpoint(checkpoint)).toBe(note.text);
      const larger = formatCheckpoint({ ...checkpoint, size: checkpoint.size + 1 });
      const signature = verified[0]?.signature ?? expect.fail('nothing verified');
      expect(await codeOf(() => verifyCosignature(key, larger, signature))).toBe('note_signature');
    }
  });
});
