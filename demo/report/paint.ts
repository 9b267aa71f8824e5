/** Colours for a terminal that shows them. */
export interface Paint {
  bold(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const code = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;
const plain = (text: string) => text;

/** No colour into files and pipes, nor where NO_COLOR is set (no-color.org). */
export function createPaint(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  const colour = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  if (!colour) return { bold: plain, faint: plain, good: plain, bad: plain };
  return { bold: code(1, 22), faint: code(2, 22), good: code(32, 39), bad: code(31, 39) };
}
