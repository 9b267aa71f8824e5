import type { JoinedMeeting, MeetingEvent } from '../../../client/meetings/meeting.ts';

type Of<Type extends MeetingEvent['type']> = Extract<MeetingEvent, { type: Type }>;

/** Everything that a meeting tells one device, from now on. */
export interface Heard {
  readonly events: MeetingEvent[];
  /** The first of this type, of those that came already or are to come, that `fits`. Each is answered once. */
  next<Type extends MeetingEvent['type']>(type: Type, fits?: (event: Of<Type>) => boolean): Promise<Of<Type>>;
}

export function hear(meeting: JoinedMeeting): Heard {
  const events: MeetingEvent[] = [];
  const answered = new Set<MeetingEvent>();
  let wake = () => {};
  let over = false;
  void (async () => {
    try {
      for await (const event of meeting.events()) {
        events.push(event);
        wake();
      }
    } catch {}
    over = true;
    wake();
  })();
  return {
    events,
    async next(type, fits = () => true) {
      for (;;) {
        const found = events.find(
          (event): event is Of<typeof type> =>
            event.type === type && !answered.has(event) && fits(event as Of<typeof type>),
        );
        if (found !== undefined) {
          answered.add(found);
          return found;
        }
        if (over) throw new Error(`the meeting ended without ${type}: ${JSON.stringify(events)}`);
        await new Promise<void>((resolve) => {
          const before = wake;
          wake = () => {
            before();
            resolve();
          };
        });
      }
    },
  };
}
