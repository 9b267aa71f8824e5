import { signDpopProof } from '../protocol/dpop.ts';
import type { SigningKey } from '../protocol/ed25519.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { ClientContext } from './context.ts';

export interface DpopFetchRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for a repeated request where it is a function: what it holds may count once. */
  readonly body?: string | (() => Promise<string>) | undefined;
  /** Sent with the proof, and hashed into it. */
  readonly accessToken?: string;
  /** For an answer that goes on: it ends with the signal. The bridge has the usual time to begin it. */
  readonly streamUntil?: AbortSignal;
}

/** Sends with a proof of possession of `sig` (RFC 9449). Throws `bridge_unreachable`. */
export type DpopFetch = (sig: SigningKey, request: DpopFetchRequest) => Promise<Response>;

/** Everything goes to the one bridge, whose latest nonce is remembered (RFC 9449 §8.2). */
export function createDpopFetch(context: ClientContext): DpopFetch {
  let nonce: string | null = null;

  async function sendOnce(sig: SigningKey, request: DpopFetchRequest): Promise<Response> {
    const { method, url, accessToken } = request;
    const body = typeof request.body === 'function' ? await request.body() : request.body;
    const proven = {
      method,
      url,
      ...(accessToken === undefined ? {} : { accessToken }),
      ...(nonce === null ? {} : { nonce }),
    };
    const headers = new Headers(request.headers);
    headers.set('dpop', await signDpopProof(sig, proven, context.now()));
    if (accessToken !== undefined) headers.set('authorization', `DPoP ${accessToken}`);
    const init = { method, headers, body: body ?? null };
    const { streamUntil } = request;
    return streamUntil === undefined
      ? fetchFromBridge(context, url, init)
      : beginWithin(streamUntil, (signal) => fetchFromBridge(context, url, { ...init, signal }));
  }

  return async (sig, request) => {
    const usedNonce = nonce;
    const response = await sendOnce(sig, request);
    nonce = response.headers.get('dpop-nonce') ?? nonce;
    if (nonce === usedNonce || !(await demandsNonce(response))) return response;
    const repeated = await sendOnce(sig, request);
    nonce = repeated.headers.get('dpop-nonce') ?? nonce;
    return repeated;
  };
}

const TIMEOUT_MS = 30_000;

/** The time runs until the head of the answer is there, and no longer. */
async function beginWithin(
  until: AbortSignal,
  send: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), TIMEOUT_MS);
  try {
    return await send(AbortSignal.any([until, tooLate.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Follows no redirect: a token or code is for this address and no other. Throws `bridge_unreachable`. */
export async function fetchFromBridge(
  context: ClientContext,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  try {
    const signal = init.signal ?? AbortSignal.timeout(TIMEOUT_MS);
    return await context.fetch(url, { ...init, redirect: 'manual', signal });
  } catch (cause) {
    throw new CountersignError('bridge_unreachable', undefined, { cause });
  }
}

const USE_NONCE = 'use_dpop_nonce';

/** The authorization server says so in the body (RFC 9449 §8), the API in the challenge (§9). */
async function demandsNonce(response: Response): Promise<boolean> {
  if (response.status === 401) {
    const challenge = response.headers.get('www-authenticate') ?? '';
    if (/^dpop\b/i.test(challenge) && challenge.includes(`error="${USE_NONCE}"`)) return true;
  }
  if (response.status !== 400 && response.status !== 401) return false;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return typeof body === 'object' && body !== null && 'error' in body && body.error === USE_NONCE;
}
