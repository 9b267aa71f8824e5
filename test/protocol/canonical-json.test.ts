import fc from 'fast-check';
import { canonicalize } from 'json-canonicalize';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, type Label, labelled } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { codeOf } from './codes.ts';

describe('canonicalJson', () => {
  it('sorts members as RFC 8785 §3.2.3 has it', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  it('escapes as RFC 8785 §3.2.2.2 has it', () => {
    expect(canonicalJson('€$\u000f\nA\'B"\\\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
  });

  it('escapes what JSON does and nothing else, in a text and in a name', () => {
    // Those that JSON may treat in a way of its own, and the ends of the surrogates.
    const ranges = [
      [0, 0x3ff],
      [0x2000, 0x20ff],
      [0xd780, 0xd7ff],
      [0xe000, 0xe07f],
      [0xff00, 0xffff],
    ] as const;
    const texts = ranges.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => `a${String.fromCharCode(first + index)}b`),
    );
    const asJson = (text: string) => JSON.stringify({ [text]: text });
    expect(texts.filter((text) => canonicalJson({ [text]: text }) !== asJson(text))).toEqual([]);
  });

  it('writes the same text whatever order the members came in', () => {
    const plain = fc.letrec<{ json: Json; object: { readonly [name: string]: Json } }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.maxSafeInteger(),
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('json'), { maxLength: 4 }),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.string().filter((name) => name !== 'toJSON'),
        tie('json'),
        { maxKeys: 5 },
      ),
    })).object;
    fc.assert(
      fc.property(plain, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(Object.fromEntries(Object.entries(value).reverse()))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        // Somebody else's serializer says the same.
        expect(text).toBe(canonicalize(value));
      }),
    );
  });

  it('writes the same object twice when it stands in two places', () => {
    const key = { x: 1 };
    expect(canonicalJson({ a: key, ab: key })).toBe('{"a":{"x":1},"ab":{"x":1}}');
  });

  it('writes a member named __proto__ like any other', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1},"b":1}');
  });

  const circular: Record<string, Json> = {};
  circular.self = circular;
  const unserializable: readonly (readonly [string, unknown])[] = [
    ['a fraction', 1.5],
    ['an integer beyond 2^53', 2 ** 53],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a lone surrogate in a text', 'a\ud800'],
    ['a lone surrogate in a name', { 'a\ud800': 1 }],
    ['an undefined member', { a: undefined }],
    ['a hole in a list', new Array(1)],
    ['a big integer', 1n],
    ['a date', new Date(0)],
    ['bytes', new Uint8Array(2)],
    ['a map', new Map()],
    ['a function', () => 1],
    ['a member named toJSON, which would leave the others unsorted', { toJSON: 'x', b: 1, a: 2 }],
    ['an object that contains itself', circular],
    ['33 levels', JSON.parse(`${'['.repeat(33)}${']'.repeat(33)}`)],
    ['a hundred thousand levels', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
  ];
  it.each(unserializable)('refuses %s', async (_, value) => {
    expect(await codeOf(() => canonicalJson(value as Json))).toBe('claims_invalid');
  });
});

describe('labelled', () => {
  it('puts the label and a line feed before the canonical text', () => {
    expect(new TextDecoder().decode(labelled('policy', { b: 1, a: 2 }))).toBe(
      'countersign/policy/v1\n{"a":2,"b":1}',
    );
  });

  const pinned: Readonly<Record<Label, string>> = {
    'key-statement': 'FWgsCQp_Foir6D7GWtCm8ThbI-vwhIxBUM6PsskTk9I',
    enrolment: '8jhBJYF8n9csD1_Hpp-czSsoxEhviTty0hkzig9fYfQ',
    'device-fingerprint': 'nsH1FrIIkC5oWlPtJqEDMHlRVpqd4S09lNJro_46t6c',
    'device-code': 'rCmBB68WGQkWCoclGUdxBP9LWOiv-vc9vYPwc1eyADM',
    'device-code-commitment': 'RCHmgtQOGtCfRBHOMUkLutSgt03Ac0tAqKIEghCOkeU',
    policy: '-iXjIdxy6Rawda2HgC4I-fK-c49papYPEXDzZR-Ifvw',
    'trust-change': 'NxhW-BLS46Ds_Y-ibBxxh_bMmCBrEvRkmI1UmHyLHj0',
    'lost-versions': 'vvmRGgJMbWHf7q62zrf42xaEaFoeW33_gnJgrQRpuZ0',
    event: 'E2lot_E2flvDp7Wwv0Tdeweogyf0As7CWcy3cd3R-mc',
    'event-genesis': 'Yhi_SLT3v1H_VG1sNhHyclk9v3Viob9cI9FgNt3K6Fw',
    vault: 'cXTiNbzjKdDhm__tlny7L8KGUQStDA5RsSudCXv0U2M',
    escrow: 'FJrn1YklOndKJcwTd7jlLwxsCNWwTJtwaPI-Tx0jJcM',
    'recovery-key': 'sNsAQUVhqEqUbDcaXLQiLuobo9ztq9SMpat0O-VvGnM',
    recovery: 'P3aTjJYJxcL3egdVRFK1u60Pu1E6Ogn7tFVIL8nM-rY',
    'escrow-share': 'ZcN5PGl227AS0f4AGfmHTOGZWfJHoSwgh7SpGEHkjxc',
    'recovery-half': 'inFurfvaI_kskdvmWUu-H96-saMCtjx8dkfCboyrZak',
    'organization-key': 'fMy_u_q1LkMUst6IbuwidlU2bV0Q5-1tfkl1IP9p_g8',
    'recovery-key-succession': 'ZhA38Wrgo5jWx8BECjny3vYlVWW_WZ1-3gRghrS2gQw',
    'recovery-drill': 'ZIxP5MSm3h1eJ7utpBVNPi5gqU0w_M-NEykAdbAVxp8',
    'released-share': 'l0qn19LzEwqW98wNYMFI1Ikt9942esU2acSnD61yuqU',
    'kept-share': 'KBZcKNeYfhyRRPiTk8lEUpYDfdQN1FLYsVdWnCSnpJ4',
    'escrow-reader': 'qWILwWaz1ooEb7qhGoqme8RTnBgtYuBHrjCcx7aPZ7g',
    'released-kept-share': 'uCu4XwMXmTKaBJNMMgBqTOFTVuG1d5qsE7vo8puyTf4',
    'passphrase-check': '_S3qLEe8P8epNES1LnYyiRLfkv9b8GIQY8om9Ad-wic',
    'sealed-key-commitment': 'Dp2phitlj7TB0NvJiQ2NvpOtiTyEb4fynRG9onTBDsE',
    group: 'N3ogP3dzF0zcFjAql_XWgdyHYRz9g04XVzdCccMavD4',
    'group-rotation': 'PA1X9UubEaKTPgYCY3UcInz0smxv6Ob3OE56o-lzSDY',
    rotation: 'zekJ5fQdBQZ6O-WyCdZW71mRvnJ6WV1govtfCOKV7yw',
    'device-rotation': 'ykgK6EREJU3wxA9_SW4isELoQ-1UOjRqFCR0Y9WF9ds',
    'group-vault': 'wD9vSO2MtfcZWuCXwnrIw4n6FKqrxvEC7Qy42UlrSyg',
    'meeting-fingerprint': '6Ca4bTRDNWgGeaAAHsdF6u7tq859tJKogynXma-4P9s',
    'meeting-member': 'HFHHar4sYKd3XPp8ho4SB_KB79NDh2JLo0xruXd6FZg',
    'meeting-placement': '1oSd7pzx9Uvc8znVvUNW2SP14Y-KhE9lQ2RiwE27c_E',
    asset: '9SDjLxWurydo24xFij15FtU_E-S1J9AbGtfnqUe6SkI',
  };
  it.each(Object.entries(pinned))('has the bytes of version 1 for %s', (label, hash) => {
    expect(sha256Base64url(labelled(label as Label, { a: 1 }))).toBe(hash);
  });
});
