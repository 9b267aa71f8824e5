import { CountersignError } from '../../protocol/errors.ts';
import {
  type MeetingBridgeRequest,
  RELAYED_MESSAGES,
  type RelayedMessage,
  relayedMessageSchema,
} from '../../protocol/meetings/federation.ts';
import { withTimeLimit } from '../lib/abortable.ts';
import { MEETING_LONG_POLL_MS, MEETING_LONG_POLLS, MEETING_LONG_POLLS_PER_PARTNER } from '../lib/limits.ts';
import { createTally } from '../lib/tally.ts';
import type { Feed, RelaySource } from './feeds.ts';
import { isFor, type Reading, type RelayMessage } from './relay-message.ts';

export type PollRequest = Extract<MeetingBridgeRequest, { act: 'poll' }>;

/** The messages of a meeting for one partner's people. */
export interface Polled {
  readonly messages: readonly RelayedMessage[];
  readonly through: number;
}

/** Answers partners' long questions. */
export interface PartnerPolls {
  /**
   * What is behind `after` for the people of this partner; where there is nothing, the question is held open for a
   * while. Throws `overloaded` for one too many, `meeting_missed`.
   */
  answer(
    partner: string,
    request: Pick<PollRequest, 'after' | 'wait'>,
    from: { readonly feed: Feed; readonly source: RelaySource },
  ): Promise<Polled>;
  /** Answers all that are held open, with nothing. */
  stop(): void;
}

export function createPartnerPolls({
  holdMs = MEETING_LONG_POLL_MS,
}: {
  holdMs?: number;
} = {}): PartnerPolls {
  const stopping = new AbortController();
  const held = createTally();

  function take(partner: string): void {
    if (held.of(partner) >= MEETING_LONG_POLLS_PER_PARTNER || held.all >= MEETING_LONG_POLLS) {
      throw new CountersignError('overloaded', 'Too many meetings are asked for at once.');
    }
    held.add(partner);
  }

  function firstFor(reading: Reading, feed: Feed, after: number): Promise<Polled> {
    return withTimeLimit(holdMs, [stopping.signal], (signal) => follow(reading, feed, after, signal));
  }

  async function follow(reading: Reading, feed: Feed, after: number, signal: AbortSignal): Promise<Polled> {
    let through = after;
    for await (const page of feed.follow(after, signal, reading)) {
      through = page.through;
      const messages = page.messages.filter((message) => isFor(message, reading));
      if (messages.length > 0) return cut(messages, through);
    }
    return { messages: [], through };
  }

  return {
    async answer(partner, { after, wait }, { feed, source }) {
      const reading: Reading = { iss: partner, deviceId: null, admin: false };
      if (!wait) {
        const page = await source.read(after, { wait: false, signal: stopping.signal });
        return cut(
          page.messages.filter((message) => isFor(message, reading)),
          page.through,
        );
      }
      take(partner);
      try {
        return await firstFor(reading, feed, after);
      } finally {
        held.remove(partner);
      }
    },
    stop: () => stopping.abort(),
  };
}

/** As many as one answer takes; the rest is asked for next. */
function cut(messages: readonly RelayMessage[], through: number): Polled {
  const taken = messages.slice(0, RELAYED_MESSAGES);
  const end = taken.length < messages.length ? (taken.at(-1)?.seq ?? through) : through;
  return { messages: taken.map(relayed), through: end };
}

/** As it goes to a partner: presences never do. */
function relayed({ seq, kind, deviceId, body }: RelayMessage): RelayedMessage {
  const whose = kind === 'placement' ? { device_id: deviceId } : {};
  return relayedMessageSchema.parse({ kind, seq, ...whose, body: JSON.parse(body) });
}
