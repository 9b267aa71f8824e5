import type { RequestContext } from '../lib/request-context.ts';
import type { EventType } from './catalog.ts';
import type { EventInput, EventInputOf } from './event.ts';

/** A change, without who made it. */
export type Change = {
  [Type in EventType]: Omit<EventInputOf<Type>, 'actor' | 'requestId' | 'outcome'>;
}[EventType];

/** The event of a change that was made on this request. */
export function succeeded(change: Change, { actor, requestId }: RequestContext): EventInput {
  return { ...change, actor, requestId, outcome: 'success' };
}
