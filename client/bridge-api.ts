import type * as z from 'zod/mini';
import { problemSchema } from '../protocol/api.ts';
import { CountersignError, isCountersignError, parseErrorCode } from '../protocol/errors.ts';
import type { ClientContext } from './context.ts';
import type { DpopFetch } from './dpop-fetch.ts';
import type { Access, Session } from './session.ts';

type Method = 'GET' | 'POST' | 'DELETE';

/** The client API of the bridge (`/v1`), as the signed-in device. Everything that it answers is attacker-controlled. */
export interface BridgeApi {
  get<Body>(path: string, schema: z.ZodMiniType<Body>): Promise<Body>;
  post<Body>(path: string, body: unknown, schema: z.ZodMiniType<Body>): Promise<Body>;
  /** For requests whose answer says nothing beyond that it was done. */
  act(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void>;
  /** Sends this very text and answers the text; `as` is the token to use, and no other. */
  send(method: Method, path: string, body: string | undefined, as?: Access): Promise<string>;
  /** Posts, and answers the body as it comes, until the signal is aborted. */
  stream(path: string, body: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Who the token makes the asker. */
  access(seconds?: number): Promise<Access>;
}

export function createBridgeApi(
  { issuer }: Pick<ClientContext, 'issuer'>,
  session: Session,
  dpopFetch: DpopFetch,
): BridgeApi {
  const sendOnce = (
    { accessToken, secrets }: Access,
    method: Method,
    path: string,
    body: string | undefined,
  ) =>
    textOf(
      dpopFetch(secrets.sig, {
        ...{ method, url: `${issuer}${path}`, accessToken, body },
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      }),
    );

  async function openStream(
    { accessToken, secrets }: Access,
    path: string,
    body: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const response = await dpopFetch(secrets.sig, {
      ...{ method: 'POST', url: `${issuer}${path}`, accessToken, body, streamUntil: signal },
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    });
    if (!response.ok) throw problemError(response.status, await response.text().catch(() => ''));
    if (response.body === null) throw new CountersignError('bridge_invalid', 'the stream has no body');
    return response.body;
  }

  async function send(method: Method, path: string, body: string | undefined, as?: Access): Promise<string> {
    const access = as ?? (await session.access());
    try {
      return await sendOnce(access, method, path, body);
    } catch (error) {
      if (as !== undefined || !isCountersignError(error, 'unauthenticated')) throw error;
      const renewed = await session.accessInsteadOf(access.accessToken);
      return sendOnce(renewed, method, path, body);
    }
  }
  return {
    send,
    async stream(path, body, signal) {
      const access = await session.access();
      try {
        return await openStream(access, path, body, signal);
      } catch (error) {
        if (!isCountersignError(error, 'unauthenticated')) throw error;
        return openStream(await session.accessInsteadOf(access.accessToken), path, body, signal);
      }
    },
    access: (seconds) => session.access(seconds),
    get: async (path, schema) => parseAnswer(await send('GET', path, undefined), schema),
    post: async (path, body, schema) => parseAnswer(await send('POST', path, JSON.stringify(body)), schema),
    act: async (method, path, body) => {
      await send(method, path, body === undefined ? undefined : JSON.stringify(body));
    },
  };
}

/** Throws `bridge_invalid` for what is not as specified. */
export function parseAnswer<Body>(text: string, schema: z.ZodMiniType<Body>): Body {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CountersignError('bridge_invalid', 'the answer is not in the form that it must have', {
      cause,
    });
  }
}

async function textOf(answering: Promise<Response>): Promise<string> {
  const response = await answering;
  const text = await response.text().catch((cause: unknown) => {
    throw new CountersignError('bridge_unreachable', 'the answer broke off', { cause });
  });
  if (!response.ok) throw problemError(response.status, text);
  return text;
}

/** The error of a problem document (RFC 9457), by its code; what it says is shown with the request id to quote. */
export function problemError(status: number, text: string): CountersignError {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  const problem = problemSchema.safeParse(json);
  if (!problem.success) {
    if (status === 401) return new CountersignError('unauthenticated');
    // A proxy’s page, while the bridge behind it is restarted: every answer of a bridge is a document.
    if (status >= 500)
      return new CountersignError('unavailable', `HTTP ${status} from in front of the bridge`);
    return new CountersignError('bridge_invalid', `HTTP ${status} without a problem document`);
  }
  const code = parseErrorCode(problem.data.code) ?? 'bridge_invalid';
  const said = problem.data.detail ?? problem.data.title;
  return new CountersignError(code, `${said} (request ${problem.data.request_id})`);
}
