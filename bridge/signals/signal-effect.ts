import { SSF } from './event-uris.ts';
import type { IdpToken } from './idp-token.ts';
import { HANDLED_EVENTS, type HandledEventName, type SignalEffect, type Transmitter } from './transmitter.ts';

/** What a signal is to do, before it is known whether its subject is anybody here. */
export type IntendedEffect = SignalEffect | 'none' | 'verified';

/** By the transmitter's settings. An event that means nothing here does nothing, and is reported. */
export function intendedEffect(
  { event, said }: Pick<IdpToken, 'event' | 'said'>,
  { effects }: Pick<Transmitter, 'effects'>,
): IntendedEffect {
  if (event === SSF.verification) return 'verified';
  const found = Object.entries(HANDLED_EVENTS).find(([, { uri }]) => uri === event);
  if (found === undefined) return 'none';
  const [name, { effects: allowed }] = found as [HandledEventName, (typeof HANDLED_EVENTS)[HandledEventName]];
  // Only a device that is said to comply takes nothing away: any other word is read as that it does not.
  if (name === 'device-compliance-change' && said.current_status === 'compliant') return 'report';
  return effects[name] ?? allowed[0];
}
