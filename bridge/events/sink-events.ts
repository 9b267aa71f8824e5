import * as z from 'zod';
import { count, name, phrase } from './event-text.ts';

const sink = { sink: name, name };
const range = { from_seq: count, to_seq: count };

/**
 * Events of the places that events are delivered to: part of the catalogue. They are delivered like all others, so
 * what the bridge says by itself tells changes of state, and nothing of one sink more than once a minute.
 */
export const SINK_EVENTS = {
  'sink.created': {
    doc: 'An administrator made a sink.',
    data: z.strictObject({ ...sink, kind: name, from_seq: count }),
  },
  'sink.changed': {
    doc: 'A sink was changed.',
    data: z.strictObject({ ...sink, changed: z.array(name).max(32) }),
  },
  'sink.paused': {
    doc: 'Nothing is delivered to a sink until it is resumed: an administrator paused it, or, with the code `sink_gone`, its receiver wants no more events.',
    data: z.strictObject({
      ...sink,
      /** The receiver’s words. */
      detail: phrase.optional(),
    }),
  },
  'sink.resumed': {
    doc: 'A paused sink gets events again, from where it stood.',
    data: z.strictObject(sink),
  },
  'sink.removed': { doc: 'A sink was removed: nothing is kept for it.', data: z.strictObject(sink) },
  'sink.tested': {
    doc: 'An administrator sent a test event to a sink; `code` says why it was not taken. The test event itself has this type, and the `seq` 0.',
    data: z.strictObject({
      ...sink,
      /** Of the test event. */
      test: name,
      took_ms: count.optional(),
    }),
  },
  'sink.replay_started': {
    doc: 'An administrator asked for events to be brought to a sink once more.',
    data: z.strictObject({ ...sink, replay: name, ...range }),
  },
  'sink.replay_finished': {
    doc: 'A replay has brought all that it was asked for.',
    data: z.strictObject({ ...sink, replay: name, ...range }),
  },
  'sink.replay_cancelled': {
    doc: 'An administrator ended a replay, or it ended as its events were pruned: `code` says so.',
    data: z.strictObject({ ...sink, replay: name, ...range, done_seq: count }),
  },
  'sink.event_skipped': {
    doc: 'An administrator had a sink go on behind an event: it is among the dead letters.',
    data: z.strictObject({
      ...sink,
      seq: count,
      /** Its `event_id`. */
      event: name,
    }),
  },
  'sink.dead_letters_resent': {
    doc: 'An administrator had events sent again that a sink’s receiver had refused.',
    data: z.strictObject({ ...sink, events: count }),
  },
  'sink.dead_letters_discarded': {
    doc: 'An administrator gave up events that a sink’s receiver had refused.',
    data: z.strictObject({ ...sink, events: count }),
  },
  'sink.dead_letters_forgotten': {
    doc: 'A sink’s receiver refused more events than are kept as dead letters: so many of the oldest were forgotten. The log has them; `sink.events_refused` says where.',
    data: z.strictObject({ ...sink, events: count }),
  },
  'sink.failing': {
    doc: 'A sink takes no events; they are kept for it. `code` says why.',
    data: z.strictObject({ ...sink, detail: phrase, failures: count }),
  },
  'sink.recovered': { doc: 'A sink’s receiver takes events again.', data: z.strictObject(sink) },
  'sink.events_refused': {
    doc: 'A sink’s receiver refused events for good: they are among its dead letters, with its words.',
    data: z.strictObject({
      ...sink,
      ...range,
      /** Of those in between. */
      events: count,
      words: phrase,
    }),
  },
  'sink.buffer_filling': {
    doc: 'A sink is so far behind that half, four fifths or all of what is kept for it is in use.',
    data: z.strictObject({ ...sink, percent: count, behind: count }),
  },
  'sink.caught_up': { doc: 'A sink is not far behind any more.', data: z.strictObject(sink) },
  'sink.overflowed': {
    doc: 'A sink was further behind than is kept for it: these events were given up, and can be brought by a replay.',
    data: z.strictObject({ ...sink, ...range }),
  },
} as const;
