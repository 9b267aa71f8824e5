import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { ERRORS } from '../protocol/errors.ts';

/** Where a client's own errors come from. */
const CLIENT_SOURCES = ['client', 'protocol', 'recrypt'];

/** Of a code that only a bridge names: it says itself what it means, with the answer that has it. */
const SAID_BY_THE_BRIDGE = 'The bridge refuses.';

const TABLE = /export const ERRORS = \{\n[\s\S]*?\n\} as const satisfies [^\n]*;/;

/**
 * Leaves the sentences out of the client that only a bridge says, and the HTTP statuses: a third of all that the error
 * codes take. The codes stay, for clients match on them.
 */
export const clientErrorTitles: Plugin = {
  name: 'client-error-titles',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]protocol[/\\]errors\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!TABLE.test(source)) return { errors: [{ text: 'the table of errors is not where it was' }] };
      const table = `export const ERRORS = ${JSON.stringify(tableFor(namedInClient()))};`;
      return { contents: source.replace(TABLE, () => table), loader: 'ts' };
    });
  },
};

function tableFor(named: ReadonlySet<string>): Record<string, { title: string }> {
  return Object.fromEntries(
    Object.entries(ERRORS).map(([code, { title }]) => [
      code,
      { title: named.has(code) ? title : SAID_BY_THE_BRIDGE },
    ]),
  );
}

/** Every word in quotes: more than the codes, and all of them. */
function namedInClient(): Set<string> {
  const named = new Set<string>();
  for (const folder of CLIENT_SOURCES) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file === 'errors.ts') continue;
      for (const [, word = ''] of readFileSync(join(folder, file), 'utf8').matchAll(/'([a-z_]+)'/g))
        named.add(word);
    }
  }
  return named;
}
