import type { EventInputOf } from './event.ts';

type Reported = EventInputOf<'key.opening_refused'>;

/** The private cause of a refusal that has an event of its own, in the place of the general one (bridge/http/app.ts). */
export class ReportedRefusal extends Error {
  override readonly name = 'ReportedRefusal';
  /** `actor`, where the request itself showed who asks. */
  readonly event: Pick<Reported, 'type' | 'data' | 'subject'> & Partial<Pick<Reported, 'actor'>>;

  constructor(event: ReportedRefusal['event'], cause: unknown) {
    super(`${event.type}`, { cause });
    this.event = event;
  }
}
