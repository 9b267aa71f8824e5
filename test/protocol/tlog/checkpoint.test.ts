import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../protocol/bytes.ts';
import { encodeBase64 } from '../../../protocol/tlog/base64.ts';
import {
  type Checkpoint,
  checkpointNote,
  formatCheckpoint,
  logOrigin,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../protocol/tlog/checkpoint.ts';
import { cosign, verifyCosignature } from '../../../protocol/tlog/cosignature.ts';
import { EMPTY_ROOT, hashLeaf } from '../../../protocol/tlog/merkle.ts';
import { parseNote } from '../../../protocol/tlog/signed-note.ts';
import { verifyNote } from '../../../protocol/tlog/verify-note.ts';
import { codeOf } from '../codes.ts';
import { NOW } from '../company.ts';
import { noteSigner } from './note-signer.ts';

const ORIGIN = 'bridge.acme.example/log';
const CHECKPOINT: Checkpoint = { origin: ORIGIN, size: 42, root: hashLeaf(Uint8Array.of(1)) };
const TEXT = formatCheckpoint(CHECKPOINT);
const ROOT = encodeBase64(CHECKPOINT.root);

const log = await noteSigner(ORIGIN);
const witness = await noteSigner('witness.example/w');
const other = await noteSigner('other.example/w');
const logSignature = await signCheckpoint(log, CHECKPOINT);
const trusted = { origin: ORIGIN, logKeys: [log.logKey], cosigners: [witness.witnessKey] };

describe('A checkpoint', () => {
  it('is three lines', () => {
    expect(TEXT).toBe(`bridge.acme.example/log\n42\n${ROOT}\n`);
    expect(parseCheckpoint(TEXT)).toEqual(CHECKPOINT);
    expect(logOrigin('https://bridge.acme.example')).toBe(ORIGIN);
    expect(logOrigin('https://bridge.acme.example:8443')).toBe('bridge.acme.example:8443/log');
  });

  it('is read as what it was written from', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (size) => {
        expect(parseCheckpoint(formatCheckpoint({ ...CHECKPOINT, size }))).toEqual({ ...CHECKPOINT, size });
      }),
    );
  });

  it('of an empty tree has the one root that this has', async () => {
    const empty = { origin: ORIGIN, size: 0, root: EMPTY_ROOT };
    expect(parseCheckpoint(formatCheckpoint(empty))).toEqual(empty);
    const wrong = formatCheckpoint({ ...empty, root: CHECKPOINT.root });
    expect(await codeOf(() => parseCheckpoint(wrong))).toBe('note_malformed');
  });

  it.each([
    ['no lines', ''],
    ['no origin', `\n42\n${ROOT}\n`],
    ['no root', `${ORIGIN}\n42\n`],
    ['no end', TEXT.trimEnd()],
    ['an extension line', `${TEXT}extension\n`],
    ['an empty line behind it', `${TEXT}\n`],
    ['zeros before the size', TEXT.replace('42', '042')],
    ['a sign', TEXT.replace('42', '+42')],
    ['a negative size', TEXT.replace('42', '-42')],
    ['a fraction', TEXT.replace('42', '42.0')],
    ['an exponent', TEXT.replace('42', '4e1')],
    ['a hexadecimal size', TEXT.replace('42', '0x2a')],
    ['a space', TEXT.replace('42', ' 42')],
    ['a size past 2^53', TEXT.replace('42', '9007199254740992')],
    ['a short root', `${ORIGIN}\n42\n${encodeBase64(CHECKPOINT.root.subarray(1))}\n`],
    ['a root in base64url', `${ORIGIN}\n42\n${ROOT.replace(/=$/, '')}\n`],
    ['a carriage return', TEXT.replaceAll('\n', '\r\n')],
  ])('is refused with %s', async (_, text) => {
    expect(await codeOf(() => parseCheckpoint(text))).toBe('note_malformed');
  });

  it('signed again is the same note', async () => {
    const note = checkpointNote(CHECKPOINT, [logSignature]);
    expect(checkpointNote(CHECKPOINT, [await signCheckpoint(log, CHECKPOINT)])).toBe(note);
  });
});

describe('Opening a checkpoint', () => {
  it('answers what the log signed and who cosigned it when', async () => {
    const cosignature = await cosign(witness, TEXT, NOW);
    const opened = await openCheckpoint(checkpointNote(CHECKPOINT, [logSignature, cosignature]), trusted);
    expect(opened.checkpoint).toEqual(CHECKPOINT);
    expect(opened.verified).toEqual([
      { key: log.logKey, signature: logSignature },
      { key: witness.witnessKey, signature: cosignature, time: NOW },
    ]);
  });

  it('passes over keys that it does not know, though they bear a known name or id', async () => {
    const signatures = [
      logSignature,
      await cosign(other, TEXT, NOW),
      { ...logSignature, keyId: logSignature.keyId ^ 1, bytes: new Uint8Array(64) },
      { ...logSignature, name: 'elsewhere.example/log', bytes: new Uint8Array(64) },
      { name: 'pq.example', keyId: 7, bytes: new Uint8Array(8 + 2420) },
    ];
    const { verified } = await openCheckpoint(checkpointNote(CHECKPOINT, signatures), trusted);
    expect(verified.map(({ key }) => key)).toEqual([log.logKey]);
  });

  it('refuses another log', async () => {
    const checkpoint = { ...CHECKPOINT, origin: 'bridge.evil.example/log' };
    const note = checkpointNote(checkpoint, [await signCheckpoint(log, checkpoint)]);
    expect(await codeOf(() => openCheckpoint(note, trusted))).toBe('log_origin');
  });

  it('refuses what the log did not sign, whoever else did', async () => {
    const cosignature = await cosign(witness, TEXT, NOW);
    const note = checkpointNote(CHECKPOINT, [cosignature]);
    expect(await codeOf(() => openCheckpoint(note, trusted))).toBe('note_signature');
    const foreign = checkpointNote(CHECKPOINT, [await signCheckpoint(other, CHECKPOINT)]);
    expect(await codeOf(() => openCheckpoint(foreign, trusted))).toBe('note_signature');
  });

  it('takes no cosignature of the log for its signature', async () => {
    const note = checkpointNote(CHECKPOINT, [await cosign(log, TEXT, NOW)]);
    const lenient = { ...trusted, logKeys: [log.witnessKey, log.logKey] };
    expect(await codeOf(() => openCheckpoint(note, lenient))).toBe('note_signature');
  });

  it('refuses the whole note when one signature of a known key is wrong', async () => {
    const cosignature = await cosign(witness, TEXT, NOW);
    const wrong = {
      ...cosignature,
      bytes: cosignature.bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    };
    for (const signatures of [
      [logSignature, wrong],
      [wrong, logSignature],
      [logSignature, cosignature, wrong],
      [logSignature, { ...logSignature, bytes: logSignature.bytes.subarray(1) }],
    ]) {
      const note = checkpointNote(CHECKPOINT, signatures);
      expect(await codeOf(() => openCheckpoint(note, trusted))).toBe('note_signature');
    }
  });

  it('needs a known key', async () => {
    const note = parseNote(checkpointNote(CHECKPOINT, [logSignature]));
    expect(await codeOf(() => verifyNote(note, []))).toBe('note_signature');
    expect(await codeOf(() => verifyNote(note, [other.logKey, witness.witnessKey]))).toBe('note_signature');
  });

  it('counts each key once, by its newest cosignature', async () => {
    const times = [NOW - 60, NOW, NOW - 120];
    const cosignatures = await Promise.all(times.map((time) => cosign(witness, TEXT, time)));
    const note = parseNote(checkpointNote(CHECKPOINT, [logSignature, ...cosignatures]));
    const verified = await verifyNote(note, [witness.witnessKey]);
    expect(verified.map(({ time }) => time)).toEqual([NOW]);
  });
});

describe('A cosignature', () => {
  it('is of the time that it says, and of this checkpoint', async () => {
    const { bytes } = await cosign(witness, TEXT, NOW);
    expect(await verifyCosignature(witness.witnessKey, TEXT, { bytes })).toEqual({ time: NOW });
    const larger = formatCheckpoint({ ...CHECKPOINT, size: 43 });
    expect(await codeOf(() => verifyCosignature(witness.witnessKey, larger, { bytes }))).toBe(
      'note_signature',
    );
  });

  it('is refused with any bit another', async () => {
    const { bytes } = await cosign(witness, TEXT, NOW);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const wrong = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        const refused = await codeOf(() => verifyCosignature(witness.witnessKey, TEXT, { bytes: wrong }));
        expect(refused).toBe('note_signature');
      }),
    );
  });

  it('is refused under another key or type, cut short or longer', async () => {
    const { bytes } = await cosign(witness, TEXT, NOW);
    const refused = (key: typeof witness.witnessKey, wrong: Uint8Array) =>
      codeOf(() => verifyCosignature(key, TEXT, { bytes: wrong }));
    expect(await refused(other.witnessKey, bytes)).toBe('note_signature');
    expect(await refused(witness.logKey, bytes)).toBe('note_signature');
    expect(await refused(witness.witnessKey, bytes.subarray(1))).toBe('note_signature');
    expect(await refused(witness.witnessKey, new Uint8Array())).toBe('note_signature');
    expect(await refused(witness.witnessKey, Uint8Array.from([...bytes, 0]))).toBe('note_signature');
  });

  it('is refused for a time that no number can hold exactly', async () => {
    const time = 2n ** 53n;
    const stamp = new Uint8Array(8);
    new DataView(stamp.buffer).setBigUint64(0, time);
    const bytes = concatBytes(stamp, await witness.sign(utf8(`cosignature/v1\ntime ${time}\n${TEXT}`)));
    expect(await codeOf(() => verifyCosignature(witness.witnessKey, TEXT, { bytes }))).toBe('note_signature');
  });

  it('is not made for a time that is none', async () => {
    for (const time of [-1, 1.5, Number.NaN]) {
      expect(await codeOf(() => cosign(witness, TEXT, time))).toBe('internal');
    }
  });
});
