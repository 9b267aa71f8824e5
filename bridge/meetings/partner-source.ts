import { CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import type { RelaySource } from './feeds.ts';
import type { ForeignCalls } from './foreign-calls.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';
import type { MeetingName } from './rechecks.ts';
import type { RelayPage } from './relay-message.ts';

/** What the home says of one person, and not of the meeting. */
const NOT_THIS_PERSON: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['group_unknown', 'group_excluded', 'forbidden'] as const),
]);

/**
 * The messages of a meeting at a partner: one question at a time, held open there, for everybody who listens here. It is
 * asked for one of them; one whom the home does not let in any more is let go, and another one asks.
 */
export function createPartnerSource(
  deps: { readonly calls: ForeignCalls; readonly streams: OpenStreams },
  meeting: MeetingName,
  first: string,
): RelaySource {
  const { calls, streams } = deps;
  /** Who asks while nobody listens for a moment. */
  let last = first;

  function listeners(): OpenStream[] {
    return streams.of(meeting.home, meeting.group).filter(({ signal }) => !signal.aborted);
  }

  async function readFor(
    sub: string,
    after: number,
    options: { readonly wait: boolean; readonly signal: AbortSignal },
  ): Promise<RelayPage> {
    try {
      return await calls.poll(meeting, sub, { after, ...options });
    } catch (error) {
      if (!isCountersignError(error, 'group_ended')) throw error;
      const seq = after + 1;
      const ended = { seq, kind: 'ended', iss: null, deviceId: null, body: '{}' } as const;
      return { messages: [ended], through: seq };
    }
  }

  return {
    async read(after, options) {
      for (;;) {
        const sub = listeners().at(0)?.who.sub ?? last;
        last = sub;
        try {
          return await readFor(sub, after, options);
        } catch (error) {
          if (!isCountersignError(error) || !NOT_THIS_PERSON.has(error.code)) throw error;
          for (const stream of listeners()) if (stream.who.sub === sub) stream.end();
          if (listeners().length === 0) throw new CountersignError(error.code, undefined, { cause: error });
        }
      }
    },
  };
}
