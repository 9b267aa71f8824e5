import { CountersignError, ERRORS, type ErrorCode, parseErrorCode } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SIGN_IN_TRACE_LIFE_S } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { newTraceId, parseTraceId } from '../lib/trace-id.ts';
import type { Database } from '../storage/database.ts';
import { findConnection } from './connection-store.ts';
import type { SignInTraces } from './sign-in.ts';

const DETAIL_LENGTH = 500;

export interface SignInTracesDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createSignInTraces(deps: SignInTracesDeps): SignInTraces {
  const { database, events, clock, logger } = deps;
  return {
    async record({ error, connectionId }, { actor, requestId }) {
      const traceId = newTraceId();
      const code: ErrorCode = error instanceof CountersignError ? error.code : 'internal';
      if (ERRORS[code].status >= 500) logger.error({ err: error, trace_id: traceId }, 'a sign-in failed');
      const detail = describe(error);
      await database.transaction(async (tx) => {
        // What the browser names as a connection is anything at all, until it is one.
        const connection = connectionId === null ? undefined : await findConnection(tx, connectionId);
        await tx
          .insertInto('sign_in_traces')
          .values({
            trace_id: traceId,
            code,
            connection_id: connection?.id ?? null,
            time: seconds(clock),
            detail,
          })
          .execute();
        await events.append(tx, {
          type: 'sign_in.refused',
          actor,
          requestId,
          traceId,
          outcome: 'failure',
          code,
          ...(connection === undefined ? {} : { subject: { connection: connection.id } }),
          data: { protocol: connection?.protocol ?? null, ...(detail === null ? {} : { reason: detail }) },
        });
      });
      return traceId;
    },

    async get(typed) {
      const traceId = parseTraceId(typed);
      const row =
        traceId === undefined
          ? undefined
          : await database.read((query) =>
              query
                .selectFrom('sign_in_traces')
                .selectAll()
                .where('trace_id', '=', traceId)
                .executeTakeFirst(),
            );
      if (row === undefined) throw new CountersignError('not_found', 'There is no such trace.');
      return {
        traceId: row.trace_id,
        code: parseErrorCode(row.code) ?? 'internal',
        connectionId: row.connection_id,
        time: row.time,
        detail: row.detail,
      };
    },

    async purge() {
      const { numDeletedRows } = await database.transaction((tx) =>
        tx
          .deleteFrom('sign_in_traces')
          .where('time', '<', seconds(clock) - SIGN_IN_TRACE_LIFE_S)
          .executeTakeFirstOrThrow(),
      );
      return Number(numDeletedRows);
    },
  };
}

/** The detail and the causes of an error. They may quote what the IdP or the browser sent. */
function describe(error: unknown): string | null {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error && parts.length < 4; at = at.cause) {
    const text = at instanceof CountersignError ? at.detail : at.message;
    if (text !== undefined && text !== '' && !parts.includes(text)) parts.push(text);
  }
  return parts.length === 0 ? null : redact(parts.join(' – ')).slice(0, DETAIL_LENGTH);
}

/** Without what could be a token, a code or a key, and with addresses cut to their domain. */
function redact(text: string): string {
  return text
    .replace(/\beyJ[\w-]+(\.[\w-]*)*/g, '[redacted]')
    .replace(/[\w+/=~-]{32,}/g, '[redacted]')
    .replace(/[^\s<>"'@]+@([a-z0-9.-]+)/gi, '…@$1');
}
