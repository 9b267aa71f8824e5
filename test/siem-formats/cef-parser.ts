export interface ParsedCef {
  /** Version, vendor, product, device version, event class, name, severity. */
  readonly header: readonly string[];
  readonly extension: ReadonlyMap<string, string>;
}

/**
 * Reads a line by the CEF standard (revision 25), as a receiver would: the header ends at the seventh `|` that no `\`
 * stands before; a key is letters and digits in front of a `=` that no `\` stands before; a value goes on to the space
 * before the next key. Throws where an escape is none, or a key comes twice.
 */
export function parseCef(line: string): ParsedCef {
  if (/[\r\n]/.test(line)) throw new Error('more than one line');
  const [header, extension] = splitHeader(line);
  if (!header[0]?.startsWith('CEF:')) throw new Error('no CEF');
  return { header: [header[0].slice(4), ...header.slice(1)], extension: parseExtension(extension) };
}

function splitHeader(line: string): [string[], string] {
  const fields: string[] = [];
  let field = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (character === '\\') {
      at += 1;
      const escaped = line[at];
      if (escaped !== '\\' && escaped !== '|') throw new Error(`no escape of a header: \\${escaped}`);
      field += escaped;
    } else if (character === '|') {
      fields.push(field);
      field = '';
      if (fields.length === 7) return [fields, line.slice(at + 1)];
    } else {
      field += character;
    }
  }
  throw new Error('the header has no end');
}

function parseExtension(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const keys = [...text.matchAll(/(?:^| )([A-Za-z0-9]+)=/g)].filter(({ index }) => !isEscaped(text, index));
  keys.forEach(({ 0: whole, 1: key = '', index }, at) => {
    if (found.has(key)) throw new Error(`${key} comes twice`);
    found.set(key, unescapeValue(text.slice(index + whole.length, keys[at + 1]?.index)));
  });
  if (keys[0]?.index !== 0) throw new Error('the extension begins with no key');
  return found;
}

/** Whether a `\` stands before the character that is no escaped one itself. */
function isEscaped(text: string, index: number): boolean {
  const backslashes = /\\*$/.exec(text.slice(0, index))?.[0].length ?? 0;
  return backslashes % 2 === 1;
}

function unescapeValue(value: string): string {
  return value.replace(/\\(.?)|=/gs, (whole, escaped: string | undefined) => {
    if (whole === '=') throw new Error('a = that is not escaped');
    const meant = { '\\': '\\', '=': '=', n: '\n', r: '\r' }[escaped ?? ''];
    if (meant === undefined) throw new Error(`no escape of a value: \\${escaped}`);
    return meant;
  });
}
