import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher, request as undiciRequest } from 'undici';
import { CountersignError } from '../../protocol/errors.ts';
import { unlessAborted } from './abortable.ts';
import { readBounded } from './bounded-body.ts';
import {
  OUTBOUND_BODY_BYTES,
  OUTBOUND_CONNECT_TIMEOUT_MS,
  OUTBOUND_HEADERS_BYTES,
  OUTBOUND_TIMEOUT_MS,
  URL_LENGTH,
} from './limits.ts';
import type { Network } from './networks.ts';
import {
  assertReachable,
  checkedLookup,
  type OutboundRules,
  parseAllowedNetworks,
  trustedRoots,
} from './reachable-addresses.ts';

/** What one request may take; what is not given is bounded by the outbound door's own limits. */
export interface OutboundBounds {
  /** Bytes of the body. */
  maxBytes?: number;
  /** Milliseconds from the call to the last byte. */
  timeoutMs?: number;
}

export interface OutboundRequest extends OutboundBounds {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** Public addresses alone, whatever the operator allowed: for a URL that somebody from outside chose. */
  publicOnly?: boolean;
  signal?: AbortSignal;
}

/** An answer, read to its end. The other side chose all of it. */
export interface OutboundResponse {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/**
 * The one way out of the process over HTTP. Only `https:`, only to public addresses or those that the operator
 * allowed; the address that was checked is the address connected to; certificates are always verified; redirects
 * are never followed; size and time are bounded.
 *
 * Throws `outbound_refused`, `outbound_redirect`, `outbound_too_large`, `outbound_timeout`, `outbound_failed`,
 * `name_not_found`, `name_unresolvable`. Nothing is retried here.
 */
export interface Outbound {
  /** For libraries that take a fetch (openid-client, jose). The body has been read when the response is there. */
  fetch: typeof globalThis.fetch;
  /** Any status but a redirect comes back as it is. */
  request(url: string | URL, options?: OutboundRequest): Promise<OutboundResponse>;
  /** The UTF-8 text at a URL; a status other than 200 is `outbound_failed`. */
  text(url: string | URL, options?: OutboundBounds & { accept?: string }): Promise<string>;
  /** Ends all connections; a request still under way fails. */
  close(): Promise<void>;
}

export interface OutboundOptions extends OutboundRules {
  /** The bounds of requests that name none. */
  limits?: OutboundBounds;
}

/** `config_invalid` if an allowed network is not in CIDR notation. */
export function createOutbound(options: OutboundOptions): Outbound {
  const allowed = parseAllowedNetworks(options.allowedNetworks);
  const agent = createAgent(options, allowed);
  const publicAgent = createAgent(options, []);
  const defaults = {
    maxBytes: options.limits?.maxBytes ?? OUTBOUND_BODY_BYTES,
    timeoutMs: options.limits?.timeoutMs ?? OUTBOUND_TIMEOUT_MS,
  };

  async function request(url: string | URL, wanted: OutboundRequest = {}): Promise<OutboundResponse> {
    const target = parseOutboundUrl(url);
    // For a literal address there is no look-up, so no other place to check it.
    const host = target.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0) assertReachable(target.hostname, [host], wanted.publicOnly ? [] : allowed);

    const timeout = AbortSignal.timeout(wanted.timeoutMs ?? defaults.timeoutMs);
    const signal = wanted.signal === undefined ? timeout : AbortSignal.any([timeout, wanted.signal]);
    try {
      signal.throwIfAborted();
      const asked = undiciRequest(target, {
        dispatcher: wanted.publicOnly ? publicAgent : agent,
        method: (wanted.method ?? 'GET') as Dispatcher.HttpMethod,
        // Compressed bodies are not asked for: their size is known only after the work.
        headers: { ...wanted.headers, 'accept-encoding': 'identity' },
        ...(wanted.body === undefined ? {} : { body: wanted.body }),
        signal,
      });
      // undici heeds the signal only once it is connected; looking the name up is part of the time as well.
      const response = await unlessAborted(asked, signal);
      // Its errors come out of the iteration below; a body dropped unread would end the process with one.
      response.body.on('error', () => {});
      const headers = headersOf(response.headers);
      refuseUnusable(target, response.statusCode, headers, response.body);
      const body = await readBounded(response.body, wanted.maxBytes ?? defaults.maxBytes, target.hostname);
      return { status: response.statusCode, headers, body };
    } catch (error) {
      throw asOutboundError(error, target, timeout);
    }
  }

  return {
    request,
    async fetch(input, init) {
      parseOutboundUrl(input instanceof Request ? input.url : input);
      const asked = new Request(input, init);
      const body = asked.body === null ? undefined : new Uint8Array(await asked.arrayBuffer());
      const answer = await request(asked.url, {
        method: asked.method,
        headers: Object.fromEntries(asked.headers),
        signal: asked.signal,
        ...(body === undefined ? {} : { body }),
      });
      return responseOf(answer);
    },
    async text(url, wanted = {}) {
      const { accept, ...bounds } = wanted;
      const answer = await request(url, {
        ...bounds,
        ...(accept === undefined ? {} : { headers: { accept } }),
      });
      if (answer.status !== 200) throw failed(new URL(url), `answered with status ${answer.status}`);
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(answer.body);
      } catch (cause) {
        throw failed(new URL(url), 'answered with something that is not UTF-8 text', cause);
      }
    },
    async close() {
      await Promise.all([agent.destroy(), publicAgent.destroy()]);
    },
  };
}

/**
 * The URL, if its form is one that we may connect to: `https:`, no credentials, not overlong. The URL parser has
 * turned decimal, octal and short forms of IPv4 into the dotted one. Throws `outbound_refused`.
 */
export function parseOutboundUrl(url: string | URL): URL {
  const text = String(url);
  if (text.length > URL_LENGTH) throw refused('The URL is too long.');
  if (!URL.canParse(text)) throw refused('This is not a URL.');
  const parsed = new URL(text);
  if (parsed.protocol !== 'https:') throw refused('Only https: URLs are fetched.');
  if (parsed.username !== '' || parsed.password !== '') throw refused('The URL carries credentials.');
  return parsed;
}

function createAgent(options: OutboundOptions, allowed: readonly Network[]): Agent {
  const secureContext = createSecureContext(trustedRoots(options.caCertificates));
  return new Agent({
    connect: {
      lookup: checkedLookup(options.resolver, allowed),
      secureContext,
      // Said although it is the default: the environment can change the default.
      rejectUnauthorized: true,
      timeout: OUTBOUND_CONNECT_TIMEOUT_MS,
    },
    maxHeaderSize: OUTBOUND_HEADERS_BYTES,
  });
}

function refuseUnusable(url: URL, status: number, headers: Headers, body: { destroy(): unknown }): void {
  const redirects = status >= 300 && status < 400 && status !== 304;
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (!redirects && encoding === 'identity') return;
  body.destroy();
  if (redirects) throw new CountersignError('outbound_redirect', `${url.hostname} answered with a redirect.`);
  throw failed(url, 'answered in an encoding that was not asked for');
}

function headersOf(raw: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(raw)) {
    for (const value of [values ?? []].flat()) headers.append(name, value);
  }
  return headers;
}

function responseOf(answer: OutboundResponse): Response {
  const empty = answer.body.byteLength === 0;
  return new Response(empty ? null : Buffer.from(answer.body), {
    status: answer.status,
    headers: answer.headers,
  });
}

function asOutboundError(error: unknown, url: URL, timeout: AbortSignal): CountersignError {
  if (error instanceof CountersignError) return error;
  const late =
    timeout.aborted || (error instanceof Error && 'code' in error && String(error.code).endsWith('_TIMEOUT'));
  if (!late) return failed(url, whyUnreached(error), error);
  return new CountersignError('outbound_timeout', `${url.hostname} did not answer in time.`, {
    cause: error,
  });
}

/** What the network or OpenSSL calls it tells a closed port from a certificate that this machine does not trust. */
function whyUnreached(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/CERT|SIGNATURE/.test(code)) {
    return `has a certificate that is not accepted here (${code}); a certificate authority of your own goes into outbound.ca_file`;
  }
  return /^[A-Z_]{1,64}$/.test(code) ? `could not be reached (${code})` : 'could not be reached';
}

function refused(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('outbound_refused', detail, { cause });
}

function failed(url: URL, what: string, cause?: unknown): CountersignError {
  return new CountersignError('outbound_failed', `${url.hostname} ${what}.`, { cause });
}
