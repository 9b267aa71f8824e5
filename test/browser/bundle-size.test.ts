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
const ON_DEMAND_MAX = 50_000;

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

  it('loads groups, assets and rotation when they are used, and not before', () => {
    const onDemand = textsOf(bundle, (name) => name.startsWith('client-on-demand-'));
    expect(onDemand).toHaveLength(1);
    expect(gzipped(onDemand)).toBeLessThan(ON_DEMAND_MAX);
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
