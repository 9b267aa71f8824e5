import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * The law of the layout (docs/architecture.md): which folder may import which, of ours. A folder may always import
 * itself. A file belongs to the longest row that is the beginning of its path.
 */
const CORE = ['protocol', 'bridge/lib', 'bridge/storage', 'bridge/signer'];
const EVERYTHING = ['*'];
const SERVER = [
  ...['protocol', 'recrypt', 'client', 'connectors', 'bridge/lib', 'bridge/config', 'bridge/storage'],
  ...['bridge/signer', 'bridge/tlog', 'bridge/events', 'bridge/keylog', 'bridge/directory', 'bridge/policy'],
  ...['bridge/identity', 'bridge/binding', 'bridge/federation', 'bridge/groups', 'bridge/meetings'],
  ...['bridge/oauth', 'bridge/lifecycle', 'bridge/signals', 'bridge/metrics', 'bridge/transforms'],
];
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  recrypt: ['protocol'],
  client: ['protocol', 'recrypt'],
  console: ['protocol', 'client'],
  connectors: ['protocol', 'bridge/lib'],
  'bridge/lib': ['protocol'],
  'bridge/transforms': ['protocol', 'recrypt', 'bridge/lib'],
  'bridge/config': ['protocol', 'bridge/lib'],
  'bridge/storage': ['protocol', 'bridge/lib'],
  'bridge/signer': ['protocol', 'bridge/lib', 'bridge/storage'],
  'bridge/tlog': CORE,
  'bridge/events': [...CORE, 'connectors', 'bridge/tlog'],
  'bridge/keylog': [...CORE, 'bridge/tlog', 'bridge/events'],
  'bridge/directory': [...CORE, 'recrypt', 'bridge/events', 'bridge/keylog'],
  'bridge/policy': [...CORE, 'bridge/events', 'bridge/keylog', 'bridge/directory'],
  'bridge/identity': [
    ...[...CORE, 'connectors', 'bridge/events', 'bridge/keylog', 'bridge/directory', 'bridge/policy'],
  ],
  'bridge/binding': [
    ...CORE,
    'recrypt',
    'bridge/events',
    'bridge/keylog',
    'bridge/directory',
    'bridge/policy',
    'bridge/transforms',
  ],
  'bridge/federation': [
    ...[...CORE, 'bridge/events', 'bridge/keylog', 'bridge/directory', 'bridge/binding', 'bridge/policy'],
  ],
  'bridge/groups': [
    ...[...CORE, 'recrypt', 'bridge/events', 'bridge/directory', 'bridge/binding', 'bridge/federation'],
    ...['bridge/policy', 'bridge/transforms'],
  ],
  'bridge/meetings': [
    ...[...CORE, 'bridge/events', 'bridge/directory', 'bridge/binding', 'bridge/federation'],
    ...['bridge/policy', 'bridge/groups'],
  ],
  'bridge/oauth': [...CORE, 'bridge/events', 'bridge/identity', 'bridge/directory', 'bridge/policy'],
  'bridge/lifecycle': [
    ...[...CORE, 'recrypt', 'bridge/events', 'bridge/keylog', 'bridge/directory', 'bridge/policy'],
    ...['bridge/binding', 'bridge/groups', 'bridge/federation', 'bridge/oauth'],
  ],
  'bridge/signals': [
    ...[...CORE, 'connectors', 'bridge/events', 'bridge/directory', 'bridge/groups', 'bridge/federation'],
    ...['bridge/lifecycle', 'bridge/policy'],
  ],
  'bridge/metrics': [
    ...[...CORE, 'recrypt', 'bridge/events', 'bridge/keylog', 'bridge/directory', 'bridge/federation'],
    ...['bridge/signals', 'bridge/transforms'],
  ],
  'bridge/http': SERVER,
  // `countersign serve` starts the composition root.
  'bridge/cli': [...SERVER, 'bridge/http', 'bridge/main.ts'],
  'bridge/main.ts': EVERYTHING,
  // The composition root's parts, of no use to anybody else.
  'bridge/main': EVERYTHING,
  demo: EVERYTHING,
  bench: EVERYTHING,
  scripts: [
    'protocol',
    'client',
    'connectors',
    'bridge/lib',
    'bridge/config',
    'bridge/events',
    'bridge/policy',
  ],
};

/** Which folder keeps the tables that bridge/storage/tables/<name>.ts describes; of its own name, where not said. */
const TABLES_FOLDER = 'bridge/storage/tables';
const KEEPER: Record<string, string> = {
  administration: 'bridge/identity',
  'one-time': 'bridge/storage',
  'signal-transmitters': 'bridge/signals',
  storage: 'bridge/storage',
  witness: 'bridge/tlog',
};

/** Files that run in browsers too, but for those that are the Node side of something. */
const ISOMORPHIC = /^(protocol|client|recrypt|console)\//;
const NODE_SIDE =
  /^(client\/node[^/]*\.ts|client\/node\/.*|recrypt\/load-node\.ts|recrypt\/native-engine\.ts)$/;

const DRAWERS = /^(utils?|helpers?|common|misc|shared)$/;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config|\.d)?\.tsx?$/;

const LINES_MAX = 350;
/** Longer files, each with the reason why it is not two. */
const MAY_BE_LONG: Record<string, string> = {
  'bridge/lib/limits.ts': 'every bound stands in it, so that they can be reviewed together',
  'protocol/errors.ts': 'the union of error codes is closed, in one place',
};

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE_FOLDERS = [
  'protocol',
  'client',
  'recrypt',
  'connectors',
  'bridge',
  'demo',
  'bench',
  'console',
  'scripts',
];

interface SourceFile {
  path: string;
  text: string;
  /** Without comments. */
  code: string;
  /** Our files that it imports, from the root. */
  imports: string[];
  /** Packages and built-in modules that it imports. */
  packages: string[];
}

function listFiles(folder: string): string[] {
  if (!existsSync(posix.join(ROOT, folder))) return [];
  return readdirSync(posix.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'testdata'].includes(entry.name) ? [] : listFiles(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;,{(])\/\/.*$/gm, '$1');
}

const IMPORT_FORMS = [
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
];

function specifiersIn(code: string): string[] {
  return IMPORT_FORMS.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''));
}

function parseSource(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  const specifiers = specifiersIn(code);
  return {
    path,
    text,
    code,
    imports: specifiers
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(posix.dirname(path), specifier)),
    packages: specifiers.filter((specifier) => !specifier.startsWith('.')),
  };
}

const readSource = (path: string) => parseSource(path, readFileSync(posix.join(ROOT, path), 'utf8'));
const sources = SOURCE_FOLDERS.flatMap(listFiles).map(readSource);
const tests = listFiles('test').map(readSource);

function rowOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((row) => path === row || path.startsWith(`${row}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function breachesOf(file: SourceFile): string[] {
  const row = rowOf(file.path);
  if (row === undefined) return [`${file.path} belongs to no folder of the table`];
  const allowed = MAY_IMPORT[row] ?? [];
  return file.imports
    .filter((target) => {
      const targetRow = rowOf(target);
      if (targetRow === row || allowed.includes('*')) return false;
      return targetRow === undefined || !allowed.includes(targetRow);
    })
    .map((target) => `${file.path} imports ${target}`);
}

/** The tables that a file of TABLES_FOLDER names, each with the folder that keeps it. */
function keptTables(file: SourceFile): [string, string][] {
  const name = posix.basename(file.path, '.ts');
  const named = /export interface \w+Tables \{([\s\S]*?)^\}/m.exec(file.code)?.[1] ?? '';
  return [...named.matchAll(/^ {2}(\w+):/gm)].map((match) => [
    match[1] ?? '',
    KEEPER[name] ?? `bridge/${name}`,
  ]);
}

const TABLE_USE =
  /\b(?:selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto|(?:inner|left|right|full)Join)\(\s*['"`](\w+)/g;

/** Queries of tables that another folder keeps. */
function foreignQueries(file: SourceFile, keepers: ReadonlyMap<string, string>): string[] {
  return [...file.code.matchAll(TABLE_USE)].flatMap(([, table = '']) => {
    const keeper = keepers.get(table) ?? 'nobody';
    return file.path.startsWith(`${keeper}/`) ? [] : [`${file.path} queries ${table}, which ${keeper} keeps`];
  });
}

/** Every cycle once, as `a → b → a`. */
function cyclesIn(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const found: string[] = [];
  function visit(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path);
    if (start !== -1) {
      found.push([...trail.slice(start), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  }
  for (const file of files) visit(file.path, []);
  return found;
}

describe('the scan of imports', () => {
  it('sees every form of import, over several lines too, and none in comments', () => {
    const text = [
      "import { a } from './a.ts';",
      'import {\n  b,\n  type c,\n} from "../b.ts";',
      "import type { D } from './d.ts';",
      "import './e.ts';",
      "export * from './f.ts';",
      "export { g } from './g.ts';",
      "const h = await import('./h.ts');",
      "import fs from 'node:fs';",
      "// import { x } from './x.ts';",
      "/* import { y } from './y.ts'; */",
      "const url = 'https://example.com';",
    ].join('\n');
    const file = parseSource('client/sample.ts', text);
    expect(file.imports.sort()).toEqual([
      ...['b.ts', 'client/a.ts', 'client/d.ts', 'client/e.ts', 'client/f.ts', 'client/g.ts', 'client/h.ts'],
    ]);
    expect(file.packages).toEqual(['node:fs']);
  });

  it('finds a breach of the table and a cycle', () => {
    const a = parseSource('protocol/a.ts', "import { b } from '../bridge/lib/b.ts';");
    const b = parseSource('bridge/lib/b.ts', "import { a } from '../../protocol/a.ts';");
    expect(breachesOf(a)).toEqual(['protocol/a.ts imports bridge/lib/b.ts']);
    expect(breachesOf(b)).toEqual([]);
    expect(cyclesIn([a, b])).toEqual(['protocol/a.ts → bridge/lib/b.ts → protocol/a.ts']);
  });

  it('finds a query of another folder’s table, also in a join', () => {
    const tables = parseSource(
      'bridge/storage/tables/directory.ts',
      'export interface DirectoryTables {\n  persons: PersonsTable;\n  devices: DevicesTable;\n}\n',
    );
    const keepers = new Map(keptTables(tables));
    const code =
      "tx.selectFrom('persons as p')\n  .leftJoin('devices', 'a', 'b'); tx.deleteFrom(\n'persons')";
    expect(foreignQueries(parseSource('bridge/directory/persons.ts', code), keepers)).toEqual([]);
    expect(foreignQueries(parseSource('bridge/binding/vaults.ts', code), keepers)).toEqual([
      'bridge/binding/vaults.ts queries persons, which bridge/directory keeps',
      'bridge/binding/vaults.ts queries devices, which bridge/directory keeps',
      'bridge/binding/vaults.ts queries persons, which bridge/directory keeps',
    ]);
  });

  it('reads the whole project', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.some((file) => file.imports.length > 0)).toBe(true);
  });
});

describe('the layout', () => {
  it('lets each folder import only what the table allows it', () => {
    expect(sources.flatMap(breachesOf)).toEqual([]);
  });

  it('lets each table be queried by the folder that keeps it alone', () => {
    const described = sources.filter((file) => posix.dirname(file.path) === TABLES_FOLDER);
    const keepers = new Map(described.flatMap(keptTables));
    expect(described.filter((file) => keptTables(file).length === 0).map((file) => file.path)).toEqual([]);
    const product = sources.filter(
      (file) => /^(bridge|demo)\//.test(file.path) && !/\/migrations\//.test(file.path),
    );
    expect(product.flatMap((file) => foreignQueries(file, keepers))).toEqual([]);
  });

  it('has no cycle of imports between files', () => {
    expect(cyclesIn(sources)).toEqual([]);
  });

  it('lets nothing of the server or its clients import a test or the demo', () => {
    const product = sources.filter((file) => !/^(demo|bench)\//.test(file.path));
    const breaches = product.flatMap((file) =>
      file.imports
        .filter((target) => /^(test|demo)\//.test(target))
        .map((target) => `${file.path}: ${target}`),
    );
    expect(breaches).toEqual([]);
  });

  it('lets Cedar be imported by its one door alone, which keeps V8 from ending the process', () => {
    const importing = sources.filter(({ packages }) =>
      packages.some((name) => name.startsWith('@cedar-policy/')),
    );
    expect(importing.map(({ path }) => path)).toEqual(['bridge/policy/engine/cedar.ts']);
  });

  it('keeps Node out of what runs in browsers', () => {
    const isomorphic = sources.filter((file) => ISOMORPHIC.test(file.path) && !NODE_SIDE.test(file.path));
    const breaches = isomorphic.flatMap((file) => [
      ...file.packages
        .filter((name) => name.startsWith('node:') || builtinModules.includes(name))
        .map((name) => `${file.path} imports ${name}`),
      ...[...file.code.matchAll(/(?<![.\w'"])(Buffer|process|__dirname)\./g)].map(
        (match) => `${file.path} uses ${match[1]}`,
      ),
    ]);
    expect(breaches).toEqual([]);
  });

  it('names no file or folder as a drawer for anything, and every file in kebab-case', () => {
    const bad = [...sources, ...tests]
      .map((file) => file.path)
      .filter((path) => {
        const parts = path.split('/');
        const stem = (parts.at(-1) ?? '').replace(/\..*$/, '');
        return (
          [...parts.slice(0, -1), stem].some((part) => DRAWERS.test(part)) ||
          !FILE_NAME.test(parts.at(-1) ?? '')
        );
      });
    expect(bad).toEqual([]);
  });

  it(`keeps files below ${LINES_MAX} lines, or says why not`, () => {
    const long = sources
      .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > LINES_MAX && MAY_BE_LONG[path] === undefined);
    expect(long).toEqual([]);
  });

  it('silences neither the compiler nor the linter', () => {
    // Put together here, so that this file does not name what it forbids.
    const halves = [
      ['@ts', 'ignore'],
      ['@ts', 'nocheck'],
      ['biome', 'ignore'],
      ['eslint', 'disable'],
    ];
    const directives = halves.map((pair) => pair.join('-'));
    const cast = new RegExp(`\\bas ${'any'}\\b`);
    const breaches = [...sources, ...tests].flatMap((file) => [
      ...directives
        .filter((directive) => file.text.includes(directive))
        .map((found) => `${file.path}: ${found}`),
      ...(cast.test(file.code) ? [`${file.path}: a cast to any`] : []),
    ]);
    expect(breaches).toEqual([]);
  });
});
