import * as z from 'zod';
import { CAEP, RISC } from './event-uris.ts';

/** What a signal may do to the person whom it names. Nothing of it gives anybody anything. */
export type SignalEffect = 'report' | 'sign-out' | 'reset' | 'close';

interface HandledEvent {
  readonly uri: string;
  /** The first is what happens unless the administrator says otherwise. */
  readonly effects: readonly [SignalEffect, ...SignalEffect[]];
}

/** The events of identity providers that mean something here, by the last part of their URI. */
export const HANDLED_EVENTS = {
  'session-revoked': { uri: CAEP.sessionRevoked, effects: ['sign-out', 'report'] },
  'credential-change': { uri: CAEP.credentialChange, effects: ['sign-out', 'report'] },
  /** Where the device does not comply any more; one that complies again is reported. */
  'device-compliance-change': { uri: CAEP.deviceComplianceChange, effects: ['sign-out', 'report'] },
  'sessions-revoked': { uri: RISC.sessionsRevoked, effects: ['sign-out', 'report'] },
  'credential-compromise': {
    uri: RISC.credentialCompromise,
    effects: ['sign-out', 'reset', 'close', 'report'],
  },
  'account-disabled': { uri: RISC.accountDisabled, effects: ['close', 'sign-out', 'report'] },
  'account-purged': { uri: RISC.accountPurged, effects: ['close', 'sign-out', 'report'] },
  /** Whoever was closed does not come back by themselves: an administrator reopens them. */
  'account-enabled': { uri: RISC.accountEnabled, effects: ['report'] },
} as const satisfies Readonly<Record<string, HandledEvent>>;

export type HandledEventName = keyof typeof HANDLED_EVENTS;

const EVENT_NAMES = Object.keys(HANDLED_EVENTS) as [HandledEventName, ...HandledEventName[]];

/** What events do in the place of their default. */
export const effectsSchema = z
  .partialRecord(z.enum(EVENT_NAMES), z.enum(['report', 'sign-out', 'reset', 'close']))
  .superRefine((effects, context) => {
    for (const [name, effect] of Object.entries(effects)) {
      const allowed: readonly string[] = HANDLED_EVENTS[name as HandledEventName].effects;
      if (allowed.includes(effect)) continue;
      context.addIssue({ code: 'custom', path: [name], message: `must be one of ${allowed.join(', ')}` });
    }
  });
export type Effects = z.infer<typeof effectsSchema>;

const url = z
  .string()
  .max(512)
  .regex(/^https:\/\/[\x21-\x7e]+$/, 'must be an https: URL');
const audience = z.string().min(1).max(512);

export const newTransmitterSchema = z.strictObject({
  /** Whose people it speaks of. */
  connection: z.string(),
  /** `iss` of its tokens. */
  issuer: url,
  /** Where it publishes its keys. */
  jwks_uri: url,
  /** `aud` of its tokens; the URL at which it delivers, where absent. */
  audience: audience.optional(),
  /** `iss` of subjects in the form iss_sub: that of the identity provider, where another issuer signs the tokens. */
  subject_issuer: url.optional(),
  effects: effectsSchema.default({}),
});
export type NewTransmitter = z.input<typeof newTransmitterSchema>;

/** Whose signals are to be taken: an issuer, or that of the connection itself. */
export const transmitterSearchSchema = z.strictObject({ connection: z.string(), issuer: url.optional() });
export type TransmitterSearch = z.infer<typeof transmitterSearchSchema>;

/** What is left out stays. */
export const transmitterChangeSchema = z.strictObject({
  issuer: url.optional(),
  jwks_uri: url.optional(),
  audience: audience.optional(),
  subject_issuer: url.nullable().optional(),
  effects: effectsSchema.optional(),
});
export type TransmitterChange = z.input<typeof transmitterChangeSchema>;

/** Who pushes signals about the people of one connection: the company's identity provider. */
export interface Transmitter {
  /** Id of the connection; it has one transmitter at most. */
  readonly connection: string;
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly audience: string;
  readonly subject_issuer: string | null;
  /** Only where they are not the default. */
  readonly effects: Effects;
  /** Seconds. */
  readonly created: number;
  readonly changed: number;
  /** When the last signal was taken; null before the first. */
  readonly last_signal: number | null;
}

/** Where the transmitter of a connection delivers (RFC 8935), below the issuer. */
export function deliveryPath(connection: string): string {
  return `/signals/v1/connections/${connection}`;
}
