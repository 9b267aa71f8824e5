import type { StoredEvent } from '../events/event.ts';
import type { Query } from '../storage/database.ts';

/** Who is in the meetings that are kept here, as bridge/meetings has it. */
export interface MeetingCompany {
  /** The bridges of those who are in a meeting. */
  bridgesIn(query: Query, group: string): Promise<readonly string[]>;
  /** Who of this bridge is in a meeting, by `sub`. */
  peopleIn(query: Query, group: string, iss: string): Promise<readonly string[]>;
}

/** Whom partners have met, by their entity ids. */
export type Met = ReadonlyMap<string, ReadonlySet<string>>;

/** Meetings whose partners are remembered; those of others are read again. */
const REMEMBERED = 10_000;

/**
 * Who met whom in the meetings that are kept here. The first device of a partner makes it know everybody of ours who is
 * there; after that, each of ours who comes in is known to the partners that were there. `finish` is called once what was
 * answered is stored.
 */
export function createMetPartners(deps: { readonly iss: string; readonly company: MeetingCompany }) {
  const { iss, company } = deps;
  const remembered = new Map<string, Partners>();

  /** Of a meeting that is not remembered, those who are there by now: what told of them may have been dealt with before. */
  async function partnersOf(query: Query, group: string): Promise<Partners> {
    const known = remembered.get(group);
    if (known !== undefined) return { there: new Set(known.there), met: new Set(known.met) };
    const there = (await company.bridgesIn(query, group)).filter((bridge) => bridge !== iss);
    return { there: new Set(there), met: new Set() };
  }

  return async (
    query: Query,
    events: readonly StoredEvent[],
  ): Promise<{ readonly met: Met; finish(): void }> => {
    const met = new Map<string, Set<string>>();
    const groups = new Map<string, Partners>();
    const note = (partner: string, people: readonly string[]) =>
      met.set(partner, new Set([...(met.get(partner) ?? []), ...people]));
    for (const { type, subject } of events) {
      const { group, sub, partner } = subject;
      if (type !== 'meeting.joined' || group === undefined || sub === undefined) continue;
      const partners = groups.get(group) ?? (await partnersOf(query, group));
      groups.set(group, partners);
      if (partner === undefined) {
        for (const other of partners.there) note(other, [sub]);
      } else if (!partners.met.has(partner)) {
        partners.there.add(partner);
        partners.met.add(partner);
        note(partner, await company.peopleIn(query, group, iss));
      }
    }
    return {
      met,
      finish() {
        if (remembered.size + groups.size > REMEMBERED) remembered.clear();
        for (const [group, partners] of groups) remembered.set(group, partners);
      },
    };
  };
}

interface Partners {
  /** Who comes in now meets these. */
  readonly there: Set<string>;
  /** These have met everybody who was there when they came. */
  readonly met: Set<string>;
}
