import { CountersignError } from '../protocol/errors.ts';
import type { Client, PendingSignIn } from './client.ts';

export interface BrowserSignIn {
  /** The callback page: of this page's origin, registered for the app; it calls `finishSignIn`. */
  readonly redirectUri: string;
  readonly loginHint?: string;
}

export interface PopupSignIn extends BrowserSignIn {
  /** Ends the wait. Whether the person closed the popup cannot be seen: the bridge's pages sever it from this one. */
  readonly signal?: AbortSignal;
}

/** Leaves this page for the bridge; the callback page goes on with `finishSignIn`. */
export async function signInByRedirect(client: Client, request: BrowserSignIn): Promise<void> {
  const { url, pending } = await client.beginSignIn(request);
  sessionStorage.setItem(storageKey(pending.state), JSON.stringify(pending));
  location.assign(url);
}

/**
 * Signs in through a popup while this page stays. Call it straight from a click, or the popup is blocked: then this
 * throws `sign_in_refused`. Otherwise throws what the sign-in throws, and `aborted`.
 */
export async function signInByPopup(client: Client, { signal, ...request }: PopupSignIn): Promise<void> {
  // Opened before anything is waited for: browsers let a click open a window, and nothing that comes later.
  const popup = window.open('about:blank', '_blank', 'popup,width=480,height=640');
  if (popup === null) throw new CountersignError('sign_in_refused', 'the browser blocked the popup');
  // What is shown in there must not be able to navigate this page.
  popup.opener = null;
  try {
    const { url, pending } = await client.beginSignIn(request);
    const callback = callbackOf(pending.state, signal);
    popup.location.replace(url);
    await client.completeSignIn(await callback, pending);
  } finally {
    popup.close();
  }
}

/**
 * On the callback page, and on no other. Answers `completed` when this page is signed in now, `handed-over` when the
 * page that opened this popup is, so that this one can be closed, and `none` where the URL is no callback. Throws what
 * `completeSignIn` throws.
 */
export async function finishSignIn(client: Client): Promise<'completed' | 'handed-over' | 'none'> {
  const callbackUrl = location.href;
  const state = new URLSearchParams(location.search).get('state');
  if (state === null) return 'none';
  // The code is worth nothing once used, but it need not stay in the history.
  history.replaceState(null, '', location.pathname);
  const pending = takePending(state);
  if (pending !== null) {
    await client.completeSignIn(callbackUrl, pending);
    return 'completed';
  }
  await handOver(state, callbackUrl);
  window.close();
  return 'handed-over';
}

const storageKey = (state: string) => `countersign sign-in ${state}`;
/** Its name is known to who knows the state, in this origin alone. */
const channelOf = (state: string) => new BroadcastChannel(storageKey(state));

const TAKEN = 'taken';
/** How long the page that opened the popup may take to answer. */
const HAND_OVER_MS = 3000;

function takePending(state: string): PendingSignIn | null {
  const text = sessionStorage.getItem(storageKey(state));
  if (text === null) return null;
  sessionStorage.removeItem(storageKey(state));
  return JSON.parse(text) as PendingSignIn;
}

function callbackOf(state: string, signal: AbortSignal | undefined): Promise<string> {
  const channel = channelOf(state);
  return new Promise<string>((resolve, reject) => {
    const abort = () => reject(new CountersignError('aborted'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data !== 'string' || data === TAKEN) return;
      channel.postMessage(TAKEN);
      resolve(data);
    };
  }).finally(() => channel.close());
}

/** A URL that any site sent the browser to comes this far: nobody waits for its state, and nothing happens. */
function handOver(state: string, callbackUrl: string): Promise<void> {
  const channel = channelOf(state);
  return new Promise<void>((resolve, reject) => {
    const refuse = () => reject(new CountersignError('sign_in_mismatch', 'no sign-in waits for this answer'));
    const timer = setTimeout(refuse, HAND_OVER_MS);
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data !== TAKEN) return;
      clearTimeout(timer);
      resolve();
    };
    channel.postMessage(callbackUrl);
  }).finally(() => channel.close());
}
