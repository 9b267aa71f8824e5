import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { BROWSER_MODULE, bundleBrowserClient, WASM_FILE } from '../../scripts/browser-bundle.ts';

/** A company's web app: static files, as docs/guides/browser.md says that they are to be served. */
export interface PageServer {
  readonly port: number;
  close(): Promise<void>;
}

interface StaticFile {
  readonly type: string;
  readonly body: Uint8Array | string;
}

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>Web app</title>
<button id="redirect">Sign in</button>
<button id="popup">Sign in with a popup</button>
<output></output>
<script type="module" src="/app.js"></script>`;

/** `bridges`: the issuers that the page may talk to. */
export async function startPageServer(
  tls: { key: string; cert: string },
  bridges: readonly string[],
): Promise<PageServer> {
  const files = new Map(Object.entries(await filesOf()));
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    `connect-src 'self' ${bridges.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  const server = createServer(tls, (request, response) => {
    const file = files.get(new URL(request.url ?? '/', 'https://app.invalid').pathname);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    response
      .writeHead(200, {
        'content-type': file.type,
        'content-security-policy': policy,
        'cross-origin-opener-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
      .end(file.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function filesOf(): Promise<Record<string, StaticFile>> {
  const client = await bundleBrowserClient({ entry: 'client/browser.ts', outdir: '.', write: false });
  const modules = client.outputFiles
    .filter(({ path }) => path.endsWith('.js'))
    .map(({ path, text }): [string, StaticFile] => {
      return [`/${basename(path)}`, { type: 'text/javascript', body: text }];
    });
  const page = { type: 'text/html; charset=utf-8', body: PAGE };
  return {
    '/': page,
    '/callback': page,
    '/app.js': { type: 'text/javascript', body: await appCode() },
    ...Object.fromEntries(modules),
    '/recrypt.wasm': { type: 'application/wasm', body: await readFile(WASM_FILE) },
  };
}

/** The page's own script, which imports the bundle as a page does: by its URL. */
async function appCode(): Promise<string> {
  const bundleByUrl: Plugin = {
    name: 'bundle-by-url',
    setup: ({ onResolve }) => {
      onResolve({ filter: /client\/browser\.ts$/ }, () => ({ path: `/${BROWSER_MODULE}`, external: true }));
    },
  };
  const entryPoints = ['test/browser/page/app.ts'];
  const built = await build({
    entryPoints,
    bundle: true,
    format: 'esm',
    write: false,
    plugins: [bundleByUrl],
  });
  return built.outputFiles[0]?.text ?? '';
}
