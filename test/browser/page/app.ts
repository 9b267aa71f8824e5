import {
  type Client,
  type ClientOptions,
  createClient,
  createIndexedDbKeyStore,
  createIndexedDbPinStore,
  type DeviceSecrets,
  finishSignIn,
  isCountersignError,
  loadTransformEngine,
  signInByPopup,
  signInByRedirect,
} from '../../../client/browser.ts';
import { generateSigningKey, signBytes, verifyBytes } from '../../../protocol/ed25519.ts';

/** What the tests drive in the page, beside its buttons. */
export interface PageApp {
  readonly client: Client;
  readonly stores: Pick<ClientOptions, 'keyStore' | 'pinStore'>;
  newSecrets(extractable?: boolean): Promise<Pick<DeviceSecrets, 'sig' | 'pre'>>;
  /** Whether the private half signs what the public half verifies. */
  signs(sig: DeviceSecrets['sig']): Promise<boolean>;
  /** Ends the wait for the popup. */
  readonly giveUp: AbortController;
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
const giveUp = new AbortController();
const redirectUri = `${location.origin}/callback`;

async function newSecrets(extractable = false): Promise<Pick<DeviceSecrets, 'sig' | 'pre'>> {
  const pre = crypto.getRandomValues(new Uint8Array(32));
  return { sig: await generateSigningKey(extractable), pre };
}

async function signs(sig: DeviceSecrets['sig']): Promise<boolean> {
  const message = new TextEncoder().encode('message');
  return verifyBytes(sig.publicKey, message, await signBytes(sig, message));
}

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
onClick('popup', () => signInByPopup(client, { redirectUri, signal: giveUp.signal }));
if (location.pathname === '/callback') {
  let finished = '';
  const code = await codeOf(async () => {
    finished = await finishSignIn(client);
  });
  show(code === 'no error' ? finished : code);
}
window.app = { client, stores, newSecrets, signs, giveUp, violations, codeOf };
