import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { newHandle } from '../lib/ids.ts';
import { SIGNAL_RECEIVER_TOKEN_WARNING_S } from '../lib/limits.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import type { Database } from '../storage/database.ts';
import { type Receiver, type TokenChange, tokenChangeSchema } from './receiver.ts';
import {
  findReceiver,
  findReceiverByToken,
  noteTold,
  receiversEnding,
  replaceToken,
  type StoredToken,
} from './receiver-store.ts';

/** What scanners of leaked secrets find our tokens by. */
const PREFIX = 'cssig_';

/** A bearer token is 43 characters behind its prefix; nothing longer is hashed. */
const TOKEN_LENGTH = 128;

const DAY_S = 86_400;
const HOUR_S = 3_600;

/** The token is told once and stored nowhere. */
export type IssuedReceiver = Receiver & { readonly token: string };

/** By what receivers show who they are: bearer tokens that end, of which two may be valid while one is exchanged. */
export interface ReceiverTokens {
  /**
   * Makes another token. The one before is void at once, or after the overlap, and the one before that in any case.
   * Throws `receiver_unknown`, `malformed_request`.
   */
  replace(id: string, change: TokenChange, context: RequestContext): Promise<IssuedReceiver>;
  /** Whose token an `Authorization` header carries. Throws `unauthenticated`. */
  authenticate(authorization: string | undefined): Promise<Receiver>;
  /** Reports, once each, that a token ends soon, and that it has ended. */
  warn(): Promise<void>;
}

export interface NewToken extends StoredToken {
  readonly token: string;
}

/** `now` in seconds. */
export function newToken(now: number, days: number): NewToken {
  const token = PREFIX + newHandle();
  return { token, hash: sha256Base64url(token), expires: now + days * DAY_S };
}

export function createReceiverTokens(deps: {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
}): ReceiverTokens {
  const { database, events, clock } = deps;

  async function tell(
    type: 'signal.receiver_token_expiring' | 'signal.receiver_token_expired',
    told: number,
    before: number,
  ): Promise<void> {
    for (const receiver of await database.read((query) => receiversEnding(query, before, told))) {
      const { id, name, token_expires: expires } = receiver;
      await database.transaction(async (tx) => {
        if (!(await noteTold(tx, receiver, told))) return;
        const data = { receiver: id, name, expires };
        await events.append(tx, { type, actor: SYSTEM.actor, outcome: 'failure', data });
      });
    }
  }

  return {
    async replace(id, change, context) {
      const { overlap_hours: overlap, token_valid_days: days } = tokenChangeSchema.parse(change);
      const now = seconds(clock);
      const { token, ...stored } = newToken(now, days);
      return database.transaction(async (tx) => {
        const before = await requireReceiver(tx, id);
        // a token that has ended does not come back
        const overlapping = overlap > 0 && before.token_expires > now;
        await replaceToken(tx, id, stored, overlapping ? now + overlap * HOUR_S : undefined);
        const receiver = await requireReceiver(tx, id);
        const { name, token_expires: expires, former_token_expires: former } = receiver;
        const until = former === null ? {} : { former_expires: former };
        const data = { receiver: id, name, expires, ...until };
        await events.append(tx, succeeded({ type: 'signal.receiver_token_replaced', data }, context));
        return { ...receiver, token };
      });
    },

    async authenticate(authorization) {
      const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
      if (token === undefined || token.length > TOKEN_LENGTH) throw new CountersignError('unauthenticated');
      const found = await database.read((query) => findReceiverByToken(query, sha256Base64url(token)));
      if (found === undefined) throw new CountersignError('unauthenticated');
      if (found.expires <= seconds(clock)) {
        throw new CountersignError('unauthenticated', 'The token has ended; an administrator makes another.');
      }
      return found.receiver;
    },

    async warn() {
      const now = seconds(clock);
      await tell('signal.receiver_token_expired', 2, now);
      await tell('signal.receiver_token_expiring', 1, now + SIGNAL_RECEIVER_TOKEN_WARNING_S);
    },
  };
}

/** Throws `receiver_unknown`. */
export async function requireReceiver(
  reader: Parameters<typeof findReceiver>[0],
  id: string,
): Promise<Receiver> {
  const receiver = await findReceiver(reader, id);
  if (receiver === undefined) throw new CountersignError('receiver_unknown');
  return receiver;
}
