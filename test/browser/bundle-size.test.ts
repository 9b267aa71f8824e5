import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleBrowserClient } from '../../scripts/browser-bundle.ts';

/** Bytes of the bundle as it is sent, without the WebAssembly module. */
const GZIPPED_MAX = 60_000;

type Bundle = Awaited<ReturnType<typeof bundleBrowserClient<false>>>;
let bundle: Bundle;

beforeAll(async () => {
  bundle = await bundleBrowserClient({ entry: 'client/browser.ts', outfile: 'client.js', write: false });
});

function textOf({ outputFiles }: Bundle): string {
  return outputFiles.find(({ path }) => path.endsWith('/client.js'))?.text ?? '';
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
  it('is below 60 kB gzip', () => {
    const code = textOf(bundle);
    expect(code.length).toBeGreaterThan(100_000);
    const size = gzipSync(code).length;
    expect(size, contents(bundle)).toBeLessThan(GZIPPED_MAX);
  });

  it('holds no module of Node', () => {
    const inputs = Object.keys(bundle.metafile.inputs);
    expect(inputs.filter((path) => /^client\/node-/.test(path))).toEqual([]);
    expect(/\bfrom\s*["']node:/.test(textOf(bundle))).toBe(false);
  });
});
