import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatNote,
  formatSignatureLine,
  isKeyName,
  MAX_NOTE_SIGNATURES,
  parseNote,
  parseSignatureLines,
} from '../../../protocol/tlog/signed-note.ts';
import {
  formatVerifierKey,
  keyId,
  parseVerifierKey,
  verifierKey,
} from '../../../protocol/tlog/verifier-key.ts';
import { codeOf } from '../codes.ts';

const LINE = '— log.example/a AQIDBAUG\n';
const SIGNATURE = { name: 'log.example/a', keyId: 0x01020304, bytes: Uint8Array.of(5, 6) };

describe('A signed note', () => {
  it('is its text and its signatures', () => {
    expect(parseNote(`text\n\n${LINE}`)).toEqual({ text: 'text\n', signatures: [SIGNATURE] });
    expect(formatNote({ text: 'text\n', signatures: [SIGNATURE] })).toBe(`text\n\n${LINE}`);
    expect(formatSignatureLine({ ...SIGNATURE, keyId: 0xffffffff })).toBe('— log.example/a /////wUG\n');
  });

  it('may have empty lines, and what looks like a signature, in its text', () => {
    const text = `one\n\n${LINE}\n\ntwo\n\n`;
    const note = formatNote({ text, signatures: [SIGNATURE] });
    expect(parseNote(note)).toEqual({ text, signatures: [SIGNATURE] });
  });

  it('is read as what it was written from', () => {
    const signature = fc.record({
      name: fc.domain(),
      keyId: fc.nat(0xffffffff),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => Uint8Array.from(bytes)),
    });
    const text = fc.array(fc.constantFrom('', 'a line', '— no signature', 'ö €'), { minLength: 1 });
    fc.assert(
      fc.property(text, fc.array(signature, { minLength: 1, maxLength: 20 }), (lines, signatures) => {
        const note = { text: `${lines.join('\n')}\n`, signatures };
        expect(parseNote(formatNote(note))).toEqual(note);
      }),
    );
  });

  it('takes up to a hundred signatures', async () => {
    expect(parseNote(`text\n\n${LINE.repeat(MAX_NOTE_SIGNATURES)}`).signatures).toHaveLength(100);
    const tooMany = `text\n\n${LINE.repeat(MAX_NOTE_SIGNATURES + 1)}`;
    expect(await codeOf(() => parseNote(tooMany))).toBe('note_malformed');
  });

  it.each([
    ['nothing', ''],
    ['no signatures', 'text\n'],
    ['an empty line and no signatures', 'text\n\n'],
    ['no empty line', `text\n${LINE}`],
    ['a last line without its end', `text\n\n${LINE.trimEnd()}`],
    ['an empty line behind the signatures', `text\n\n${LINE}\n`],
    ['something behind the signatures', `text\n\n${LINE}more\n`],
    ['something between the signatures', `text\n\n${LINE}more\n${LINE}`],
    ['a hyphen for the dash', `text\n\n${LINE.replace('—', '-')}`],
    ['an en dash', `text\n\n${LINE.replace('—', '–')}`],
    ['no space behind the dash', `text\n\n${LINE.replace('— ', '—')}`],
    ['two spaces', `text\n\n${LINE.replace('— ', '—  ')}`],
    ['a space at the end of a line', `text\n\n${LINE.replace('\n', ' \n')}`],
    ['a carriage return', `text\r\n\n${LINE}`],
    ['a tab', `te\txt\n\n${LINE}`],
    ['a null', `te\0xt\n\n${LINE}`],
    ['half a character', `te\ud800xt\n\n${LINE}`],
    ['a name with a space', `text\n\n— log example AQIDBAUG\n`],
    ['a name with a no-break space', `text\n\n— log\u00a0example AQIDBAUG\n`],
    ['a name with an ideographic space', `text\n\n— log\u3000example AQIDBAUG\n`],
    ['a name with a next-line character', `text\n\n— log\u0085example AQIDBAUG\n`],
    ['a name with a plus', `text\n\n— log+example AQIDBAUG\n`],
    ['an empty name', `text\n\n—  AQIDBAUG\n`],
    ['no signature behind the key id', `text\n\n— log.example/a AQIDBA==\n`],
    ['a short key id', `text\n\n— log.example/a AQID\n`],
    ['base64 without its padding', `text\n\n— log.example/a AQIDBAU\n`],
    ['base64 with more padding', `text\n\n— log.example/a AQIDBAUG=\n`],
    ['base64 with bits that stand for nothing', `text\n\n— log.example/a AQIDBAV=\n`],
    ['base64url', `text\n\n— log.example/a AQIDBA__\n`],
  ])('is refused with %s', async (_, note) => {
    expect(await codeOf(() => parseNote(note))).toBe('note_malformed');
  });

  it('is not written from what could not be read', async () => {
    for (const note of [
      { text: 'text', signatures: [SIGNATURE] },
      { text: `text\n\n${LINE.trimEnd()}`, signatures: [SIGNATURE] },
      { text: 'text\n', signatures: [] },
      { text: 'te\txt\n', signatures: [SIGNATURE] },
      { text: 'text\n', signatures: [{ ...SIGNATURE, name: 'a b' }] },
      { text: 'text\n', signatures: [{ ...SIGNATURE, name: 'a\n\n— b' }] },
    ]) {
      expect(await codeOf(() => formatNote(note))).toBe('note_malformed');
    }
  });

  it('has signature lines that stand alone too, as a witness answers them', async () => {
    expect(parseSignatureLines(LINE + LINE)).toEqual([SIGNATURE, SIGNATURE]);
    for (const answer of ['', '\n', LINE.trimEnd(), `${LINE}\n`, `\n${LINE}`]) {
      expect(await codeOf(() => parseSignatureLines(answer))).toBe('note_malformed');
    }
  });
});

describe('A verifier key', () => {
  const KEY = verifierKey('witness.example/w', 4, new Uint8Array(32).fill(7));
  const VKEY = formatVerifierKey(KEY);

  it('is read as what it was written from', () => {
    expect(parseVerifierKey(VKEY)).toEqual(KEY);
    expect(VKEY).toMatch(/^witness\.example\/w\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/);
  });

  it('has another id for another name, type or key', () => {
    const others = [
      verifierKey('witness.example/x', 4, KEY.publicKey),
      verifierKey(KEY.name, 1, KEY.publicKey),
      verifierKey(KEY.name, 4, new Uint8Array(32)),
    ];
    expect(new Set([KEY, ...others].map(({ keyId }) => keyId)).size).toBe(4);
  });

  const [, id = '', encoded = ''] = VKEY.split('+');
  it.each([
    ['nothing', ''],
    ['no key', `witness.example/w+${id}`],
    ['an empty name', `+${id}+${encoded}`],
    ['the id of another name', VKEY.replace('/w', '/x')],
    ['an id in capitals', `witness.example/w+${'ABCDEF01'}+${encoded}`],
    ['a short id', `witness.example/w+${id.slice(1)}+${encoded}`],
    ['a key cut short', VKEY.slice(0, -4)],
    ['a line behind it', `${VKEY}\n`],
    ['a space before it', ` ${VKEY}`],
    [
      'a type that is not supported',
      formatVerifierKey({ ...KEY, type: 6 as 4, keyId: keyId(KEY.name, 6, KEY.publicKey) }),
    ],
  ])('is refused with %s', async (_, vkey) => {
    expect(await codeOf(() => parseVerifierKey(vkey))).toBe('key_invalid');
  });

  it('has a name and 32 bytes', async () => {
    expect(await codeOf(() => verifierKey('a b', 1, KEY.publicKey))).toBe('key_invalid');
    expect(await codeOf(() => verifierKey('a', 1, new Uint8Array(31)))).toBe('key_invalid');
    expect(isKeyName('bridge.acme.example/log')).toBe(true);
    for (const name of ['', 'a+b', 'a b', 'a\nb', 'a\u2028b', '\ud800']) expect(isKeyName(name)).toBe(false);
  });
});
