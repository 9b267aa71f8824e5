import {
  type Client,
  type ClientOptions,
  createClient,
  createIndexedDbKeyStore,
  createIndexedDbPinStore,
  finishSignIn,
  isCountersignError,
  loadTransformEngine,
  signInByPopup,
  signInByRedirect,
} from '../../../client/browser.ts';

/** What the tests drive in the page, beside its buttons. */
export interface PageApp {
  readonly client: Client;
  readonly stores: Pick<ClientOptions, 'keyStore' | 'pinStore'>;
  readonly createIndexedDbKeyStore: typeof createIndexedDbKeyStore;
  readonly createIndexedDbPinStore: typeof createIndexedDbPinStore;
  /** What the content security policy stopped. */
  readonly violations: string[];
  /** The code of what `act` throws. */
  codeOf(act: () => Promise<unknown>): Promise<string>;
}

declare global {
  interface Window {
    /** Set when the page's script has run to its end. */
    app: PageApp;
  }
}

const violations: string[] = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective}: ${blockedURI}`);
});

/** The page's URL names the bridge; the callback page finds it where the page left it. */
const named = new URLSearchParams(location.search).get('bridge');
if (named !== null) localStorage.setItem('bridge', named);
const issuer = named ?? localStorage.getItem('bridge') ?? '';

const stores = {
  keyStore: createIndexedDbKeyStore('account'),
  pinStore: createIndexedDbPinStore('account'),
};
const client = createClient({
  issuer,
  clientId: 'web-app',
  engine: await loadTransformEngine('/recrypt.wasm'),
  polling: { firstMs: 20, longestMs: 100 },
  ...stores,
});
const redirectUri = `${location.origin}/callback`;

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'no error';
  } catch (error) {
    return isCountersignError(error) ? error.code : String(error);
  }
}

function onClick(id: string, signIn: () => Promise<void>): void {
  document.getElementById(id)?.addEventListener('click', async () => show(await codeOf(signIn)));
}

function show(text: string): void {
  const output = document.querySelector('output');
  if (output !== null) output.textContent = text;
}

onClick('redirect', () => signInByRedirect(client, { redirectUri }));
onClick('popup', () => signInByPopup(client, { redirectUri }));
if (location.pathname === '/callback') {
  let finished = '';
  const code = await codeOf(async () => {
    finished = await finishSignIn(client);
  });
  show(code === 'no error' ? finished : code);
}
window.app = { client, stores, createIndexedDbKeyStore, createIndexedDbPinStore, violations, codeOf };
