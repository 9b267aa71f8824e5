import type { CustomFetch } from 'openid-client';
import { OUTBOUND_BODY_BYTES, OUTBOUND_TIMEOUT_MS } from '../../../bridge/lib/limits.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { ownErrorIn } from './refusals.ts';

/**
 * The connector's requests to its IdP: bounded in time and size, never redirected. The answer is read whole before
 * anything looks at it.
 *
 * @throws CountersignError `upstream_unreachable` (no answer in time, or a server error), `upstream_invalid`
 * (a redirect, or an answer too large), and whatever `fetch` itself refuses with a CountersignError.
 */
export function createIdpFetch(fetch: typeof globalThis.fetch): CustomFetch {
  return async (url, options) => {
    const { body, headers, method } = options;
    const response = await answerTo(async () => {
      const answer = await fetch(url, {
        // Forms are all that openid-client sends.
        ...(body instanceof URLSearchParams ? { body } : {}),
        headers,
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(OUTBOUND_TIMEOUT_MS),
      });
      return { status: answer.status, headers: answer.headers, body: await readWhole(answer) };
    });
    if (response.status >= 300 && response.status < 400) {
      throw new CountersignError('upstream_invalid', 'The identity provider redirects where it must answer.');
    }
    if (response.status >= 500) {
      throw new CountersignError(
        'upstream_unreachable',
        `The identity provider answered ${response.status}.`,
      );
    }
    return new Response(response.body.byteLength === 0 ? null : response.body, {
      status: response.status,
      headers: response.headers,
    });
  };
}

async function answerTo<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    throw ownErrorIn(cause) ?? new CountersignError('upstream_unreachable', undefined, { cause });
  }
}

/** What arrives is chosen by the IdP: the length it announces is not believed. */
async function readWhole(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > OUTBOUND_BODY_BYTES) {
      throw new CountersignError('upstream_invalid', 'The answer of the identity provider is too large.');
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
