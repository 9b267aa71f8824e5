/** An event of the log. */
export interface LoggedEvent {
  readonly id: string;
  /** As JSON: no frame of it is shorter. */
  readonly bytes: number;
}

/** Events that follow each other in the log, none of which arrived. */
export interface Stretch {
  readonly events: number;
  readonly bytes: number;
}

/** The stretches of `logged`, each as long as it is, that are not in `held`. */
export function missingStretches(logged: readonly LoggedEvent[], held: ReadonlySet<string>): Stretch[] {
  const stretches: Stretch[] = [];
  let arrived = true;
  for (const { id, bytes } of logged) {
    const before = arrived;
    arrived = held.has(id);
    if (arrived) continue;
    const open = before ? undefined : stretches.pop();
    stretches.push({ events: (open?.events ?? 0) + 1, bytes: (open?.bytes ?? 0) + bytes });
  }
  return stretches;
}

/** All of them together. */
export function sumOf(stretches: readonly Stretch[]): Stretch {
  const sum = (of: (stretch: Stretch) => number) => stretches.reduce((all, each) => all + of(each), 0);
  return { events: sum(({ events }) => events), bytes: sum(({ bytes }) => bytes) };
}
