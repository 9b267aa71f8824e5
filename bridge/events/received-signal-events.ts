import * as z from 'zod';
import { count, foreign, name, phrase } from './event-text.ts';

const signal = {
  /** Who sent it: a partner, or the transmitter of a connection. */
  issuer: name,
  /** Of the security event token, as its sender chose them. */
  jti: foreign,
  txn: foreign.optional(),
};

const transmitter = { issuer: name, jwks_uri: name };

/** Events of signals that others send here: part of the catalogue. */
export const RECEIVED_SIGNAL_EVENTS = {
  'signal.received': {
    doc: 'A partner or a company’s identity provider sent a signal (a security event token), and it was acted upon.',
    data: z.strictObject({
      ...signal,
      /** URI of the event that the token reports, one of those that are known here; else `unknown`. */
      event: name,
      /** URI of an unknown event. */
      unknown_event: foreign.optional(),
      /**
       * What was done: `forgotten` – a partner’s answers about the address are asked for anew; `sign-out`, `reset`,
       * `close` – to the person; `report` – nothing, as configured; `nobody` – the subject is nobody here; `none` – the
       * event means nothing here; `verified` – the transmitter tested the way.
       */
      effect: z.enum(['forgotten', 'sign-out', 'reset', 'close', 'report', 'nobody', 'none', 'verified']),
      /** What watching clients are told of the address. */
      change: z.enum(['published', 'revoked']).optional(),
      /** When it happened, in the sender’s words: seconds. */
      event_time: count.optional(),
      /** Why, in the sender’s words. */
      reason: phrase.optional(),
    }),
  },
  'signal.refused': {
    doc: 'A signal was refused; `code` says why. Nothing was done.',
    data: z.strictObject({
      /** Who it says that it is from: nobody has shown it where the signature is what was refused. */
      claimed_issuer: foreign.optional(),
      jti: foreign.optional(),
      reason: phrase.optional(),
    }),
  },
  'signal.transmitter_added': {
    doc: 'An administrator let an identity provider send signals about the people of a connection.',
    data: z.strictObject(transmitter),
  },
  'signal.transmitter_changed': {
    doc: 'What an identity provider’s signals are taken from, or what they do, was changed.',
    data: z.strictObject({ ...transmitter, changed: z.array(name).max(8) }),
  },
  'signal.transmitter_removed': {
    doc: 'Signals of an identity provider are not taken any more.',
    data: z.strictObject(transmitter),
  },
} as const;
