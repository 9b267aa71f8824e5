/** What JSON may hold as it is, but readers of lines take for an end of line, and terminals for an order. */
const NOT_SHOWN = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** Asked first: most lines have none, and a replacement of nothing costs as much memory as the line. */
const ANY_NOT_SHOWN = new RegExp(NOT_SHOWN, 'u');

/** An escape of JSON; half a surrogate pair is the only one that begins with `\ud`. */
const ESCAPE = /\\(?:ud[89a-f][0-9a-f]{2}|.)/g;

/** The value as JSON in one line, whatever its texts hold. */
export function jsonLine(value: unknown): string {
  const line = JSON.stringify(value);
  return ANY_NOT_SHOWN.test(line) ? line.replace(NOT_SHOWN, escaped) : line;
}

/** The same, with texts made well-formed: not every reader takes half a surrogate pair. */
export function wellFormedJsonLine(value: unknown): string {
  const line = jsonLine(value);
  if (!line.includes('\\ud')) return line;
  return line.replace(ESCAPE, (found) => (found.startsWith('\\ud') ? '\ufffd' : found));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
