import * as z from 'zod';
import type { Clock } from '../../../bridge/lib/clock.ts';
import type { HttpReceiver } from '../http/http-receiver.ts';

/** Tokens are renewed this long before they end, so that none ends on its way. */
const RENEW_BEFORE_MS = 300_000;

const issued = z.object({
  token_type: z.string().regex(/^bearer$/i),
  access_token: z.string().regex(/^[\w.~+/=-]{1,16384}$/),
  expires_in: z.coerce.number().int().min(1),
});

export interface EntraApplication {
  /** The token endpoint of the tenant. */
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
}

/** Access tokens of an application registered with Microsoft Entra (client credentials grant). */
export interface EntraTokens {
  /** `fresh`: it was issued for this call. Throws as a sink does; `sink_misconfigured` if Entra refuses us. */
  token(signal: AbortSignal): Promise<{ token: string; fresh: boolean }>;
  /** The next call gets a new one. */
  forget(): void;
}

export function createEntraTokens(
  application: EntraApplication,
  receiver: HttpReceiver,
  clock: Clock,
): EntraTokens {
  let kept: { token: string; until: number } | undefined;

  async function issue(signal: AbortSignal): Promise<string> {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: application.clientId,
      client_secret: application.clientSecret,
      scope: application.scope,
    });
    const answer = await receiver.send({
      url: application.url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
      signal,
      // RFC 6749 section 5.2: what is wrong with the client or the scope is a 400 too.
      fault: ({ status }) => (status === 400 ? 'sink_misconfigured' : undefined),
    });
    const { access_token: token, expires_in: seconds } = receiver.read(answer, issued);
    kept = { token, until: clock.now() + seconds * 1_000 - RENEW_BEFORE_MS };
    return token;
  }

  return {
    async token(signal) {
      if (kept !== undefined && clock.now() < kept.until) return { token: kept.token, fresh: false };
      return { token: await issue(signal), fresh: true };
    },
    forget() {
      kept = undefined;
    },
  };
}
