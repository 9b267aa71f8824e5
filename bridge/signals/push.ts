import * as z from 'zod';
import { isCountersignError } from '../../protocol/errors.ts';
import { SIGNAL_ANSWER_BYTES, SIGNAL_PUSH_TIMEOUT_MS, SIGNAL_WORDS_LENGTH } from '../lib/limits.ts';
import type { Outbound, OutboundResponse } from '../lib/outbound.ts';

/** What came of one push. */
export type PushOutcome =
  | { readonly taken: true }
  /** It will never take this token: `refused`. It may take it later: `failed`. */
  | {
      readonly taken: false;
      readonly fault: 'refused' | 'failed';
      readonly code: string;
      readonly detail: string;
    };

/** RFC 8935 §2.3. */
const errorSchema = z.object({ err: z.string(), description: z.string().optional() });

/**
 * Pushes one security event token (RFC 8935). Never throws for what the receiver does. Only `invalid_request` says that
 * this token is at fault; a key, an audience or an authorization can be put right on either side.
 */
export async function pushToken(
  outbound: Outbound,
  to: { readonly url: string; readonly authorization?: string | undefined; readonly publicOnly?: boolean },
  token: string,
  signal: AbortSignal,
): Promise<PushOutcome> {
  try {
    const response = await outbound.request(to.url, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/secevent+jwt', accept: 'application/json' },
        ...(to.authorization === undefined ? {} : { authorization: to.authorization }),
      },
      body: token,
      publicOnly: to.publicOnly ?? false,
      timeoutMs: SIGNAL_PUSH_TIMEOUT_MS,
      maxBytes: SIGNAL_ANSWER_BYTES,
      signal,
    });
    return outcomeOf(response);
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    return { taken: false, fault: 'failed', code: error.code, detail: error.detail ?? '' };
  }
}

function outcomeOf({ status, body }: OutboundResponse): PushOutcome {
  if (status === 202 || status === 200 || status === 204) return { taken: true };
  const error = status === 400 ? errorOf(body) : undefined;
  const words = error === undefined ? '' : `: ${error.err} ${error.description ?? ''}`;
  return {
    taken: false,
    fault: error?.err === 'invalid_request' ? 'refused' : 'failed',
    code: 'outbound_failed',
    detail: plain(`It answers with status ${status}${words}`),
  };
}

function errorOf(body: Uint8Array): z.infer<typeof errorSchema> | undefined {
  try {
    return errorSchema.parse(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return undefined;
  }
}

/** The receiver's words, as they may stand in a line. */
function plain(words: string): string {
  return words
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, SIGNAL_WORDS_LENGTH);
}
