import type { EventInputOf } from './event.ts';

type Reported = EventInputOf<'key.opening_refused'> | EventInputOf<'signal.refused'>;

/** An event without what every refusal has: outcome, code, request. */
type Refusal = {
  [Type in Reported['type']]: Pick<EventInputOf<Type>, 'type' | 'data' | 'subject'> &
    Partial<Pick<EventInputOf<Type>, 'actor'>>;
}[Reported['type']];

/** The private cause of a refusal that has an event of its own, in the place of the general one (bridge/http/app.ts). */
export class ReportedRefusal extends Error {
  override readonly name = 'ReportedRefusal';
  /** `actor`, where the request itself showed who asks. */
  readonly event: Refusal;

  constructor(event: ReportedRefusal['event'], cause: unknown) {
    super(`${event.type}`, { cause });
    this.event = event;
  }
}
