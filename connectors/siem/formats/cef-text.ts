/** What ends a line for some reader, or is an order to a terminal. */
const NOT_SHOWN = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** Most texts hold none of what has a meaning, and are done with. */
const PLAIN = /^[ -<>-[\]-{}~]*$/;

/** A field of the header: one line, with `\` and `|` escaped. */
export function headerField(value: string): string {
  if (PLAIN.test(value)) return value;
  return plainLine(value.toWellFormed()).replace(/[\\|]/g, '\\$&');
}

/** The value of an extension: line feeds and carriage returns become `\n` and `\r`, `\` and `=` are escaped. */
export function extensionValue(value: string): string {
  if (PLAIN.test(value)) return value;
  const escaped = value
    .toWellFormed()
    .replace(/[\\=]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return plainLine(escaped);
}

/** CEF has no escape for other control characters: a space stands in their place. */
function plainLine(value: string): string {
  return value.replace(NOT_SHOWN, ' ');
}
