/** Words of `text` in lines of at most `width` characters; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?! )/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}

/** Keys, hashes and signed objects are long: their beginning and end are enough to compare them by eye. */
const LONG = /[A-Za-z0-9_+/-]{40,}(?:\.[A-Za-z0-9_-]{20,})*={0,2}/g;

export function shorten(text: string): string {
  return text.replace(LONG, (whole) => `${whole.slice(0, 12)}…${whole.slice(-6)}`);
}
