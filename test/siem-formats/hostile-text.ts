import fc from 'fast-check';

/** What means something in a frame or a format, and what only looks like it. */
const PIECES = [
  ...['\r\n', '\n', '\r', '\u0000', '\u0007', '\u001b[2J', '\u007f', '\u0085', '\u2028', '\u2029', '\ufeff'],
  ...['"', "'", '\\', '\\\\', '\\"', ']', '[', '|', '\\|', '=', '\\=', '{', '}', ',', ':', '<', '>', '&'],
  ...[' ', '  ', '\t', '\v', '\f', '%0a', '\\n', '\\u000a', '\u202e', '\ud800', '\udc00', '\ud83d\ude00'],
  ...[' cs1=forged', '\nCEF:0|a|b|c|d|e|10|', '"}\n{"v":1,"seq":1', '"] <134>1 ', 'outcome=success'],
  ...['\\ud800', '__proto__', 'constructor', 'null', 'undefined', 'NaN', '\u00e9', 'e\u0301'],
];

const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

/** Texts as an attacker would choose them; now and then one of 64 kB. Never empty. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 8 })
      .map((all) => all.join('')),
  },
  { weight: 3, arbitrary: fc.string({ unit, minLength: 1, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(...PIECES).map((piece) => piece.repeat(65_536 / piece.length)) },
);
