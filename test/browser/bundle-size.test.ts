import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../protocol/errors.ts';
import { bundleBrowserClient, modulesAtOnce } from '../../scripts/browser-bundle.ts';

/** Bytes of what a page loads at once, as it is sent, without the WebAssembly module and what runs it. */
const GZIPPED_MAX = 60_000;
/** Bytes of what is loaded when the first log proof is verified, as it is sent. */
const LOG_PROOF_MAX = 18_000;

/** Bytes of what is loaded when a page first does more than look up and verify, as it is sent. */
const ON_DEMAND_MAX = 40_000;
/** Bytes of what is loaded when the first meeting begins, with what that needs of groups. */
const MEETINGS_MAX = 45_000;
/** Bytes of both together. */
const ALL_ON_DEMAND_MAX = 65_000;

type Bundle = Awaited<ReturnType<typeof bundleBrowserClient<false>>>;
let bundle: Bundle;

beforeAll(async () => {
  bundle = await bundleBrowserClient({ entry: 'client/browser.ts', outdir: '.', write: false });
});

function textsOf({ outputFiles }: Bundle, matches: (name: string) => boolean): string[] {
  return outputFiles
    .filter(({ path }) => path.endsWith('.js') && matches(basename(path)))
    .map(({ text }) => text);
}

/** Names of what `import()` of these modules loads that is not there from the start. */
function loadedBy({ metafile }: Bundle, ...prefixes: string[]): string[] {
  const { outputs } = metafile;
  const atOnce = modulesAtOnce(metafile);
  const isEntry = (path: string) =>
    path.endsWith('.js') &&
    prefixes.some((prefix) => new RegExp(`^${prefix}-[A-Z0-9]{8}\\.js$`).test(basename(path)));
  const loaded = new Set(Object.keys(outputs).filter(isEntry));
  expect(loaded.size).toBe(prefixes.length);
  for (const path of loaded) {
    for (const { kind, path: imported } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && !atOnce.includes(basename(imported))) loaded.add(imported);
    }
  }
  return [...loaded].map((path) => basename(path));
}

function gzipped(texts: readonly string[]): number {
  return texts.reduce((size, text) => size + gzipSync(text).length, 0);
}

/** What is in the bundle, the largest first: what a failing test should say. */
function contents({ metafile }: Bundle): string {
  const bytes = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const [, name = path.split('/')[0] ?? path] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
      bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...bytes]
    .sort(([, left], [, right]) => right - left)
    .map(([name, size]) => `${name} ${size}`)
    .join(', ');
}

describe('the bundle for browsers', () => {
  it('is below 60 kB gzip, all that a page loads at once', () => {
    const atOnce = modulesAtOnce(bundle.metafile);
    const texts = textsOf(bundle, (name) => atOnce.includes(name));
    expect(texts.join('').length).toBeGreaterThan(100_000);
    expect(gzipped(texts), contents(bundle)).toBeLessThan(GZIPPED_MAX);
  });

  it('loads what verifies log proofs when there is one, and not before', () => {
    const proofs = textsOf(bundle, (name) => name.startsWith('client-logged-statement-'));
    expect(proofs).toHaveLength(1);
    expect(gzipped(proofs)).toBeLessThan(LOG_PROOF_MAX);
    const atOnce = modulesAtOnce(bundle.metafile).flatMap((name) =>
      Object.keys(
        Object.entries(bundle.metafile.outputs).find(([path]) => basename(path) === name)?.[1].inputs ?? {},
      ),
    );
    expect(atOnce.filter((path) => path.includes('@noble/curves'))).toEqual([]);
  });

  it.each([
    ['groups, assets and rotation when they are used', ['client-on-demand'], ON_DEMAND_MAX],
    ['meetings when the first one begins', ['client-on-demand-meetings'], MEETINGS_MAX],
    ['both where both are used', ['client-on-demand', 'client-on-demand-meetings'], ALL_ON_DEMAND_MAX],
  ])('loads %s, and not before', (_what, prefixes, most) => {
    // A page that can do more has verified somebody's key before, with its log proof.
    const before = loadedBy(bundle, 'client-logged-statement');
    const names = loadedBy(bundle, ...prefixes).filter((name) => !before.includes(name));
    expect(gzipped(textsOf(bundle, (name) => names.includes(name)))).toBeLessThan(most);
  });

  it('keeps what only meetings need out of what groups load', () => {
    const names = loadedBy(bundle, 'client-on-demand');
    const inputs = Object.entries(bundle.metafile.outputs)
      .filter(([path]) => names.includes(basename(path)))
      .flatMap(([, output]) => Object.keys(output.inputs));
    expect(inputs.filter((path) => path.startsWith('client/meetings/'))).toEqual([]);
  });

  it('knows every code of an error, and what those mean that it throws itself', () => {
    const [table = ''] = textsOf(bundle, () => true).filter((text) => text.includes('asset_damaged:'));
    expect(Object.keys(ERRORS).filter((code) => !table.includes(`${code}:`))).toEqual([]);
    expect(table).toContain(ERRORS.group_untrusted.title);
    expect(table).toContain(ERRORS.log_split_view.title);
    expect(table).not.toContain(ERRORS.saml_wrapping.title);
  });

  it('holds no module of Node', () => {
    const inputs = Object.keys(bundle.metafile.inputs);
    expect(inputs.filter((path) => /^client\/node-/.test(path))).toEqual([]);
    expect(/\bfrom\s*["']node:/.test(textsOf(bundle, () => true).join(''))).toBe(false);
  });
});
