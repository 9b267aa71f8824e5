import { isCountersignError } from '../../protocol/errors.ts';
import { exclusionSchema } from '../../protocol/groups/exclusion.ts';
import { type GroupMember, isGroupMember } from '../../protocol/groups/membership.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { findMembers, nameOf, type Person } from '../groups/find-members.ts';
import { type ListedMembership, listedMemberships } from '../groups/list-members.ts';
import type { JudgedGroup } from '../groups/view.ts';
import { judgeGroup } from '../groups/view.ts';
import type { ClientParts } from '../own-account.ts';
import { type GroupLosses, lossesOf } from './group-losses.ts';
import type { Invitation } from './meeting-group.ts';

/** Whom a look at the group lets into a meeting. What is asked costs what it is about, not the size of the meeting. */
export interface Invited {
  /** In their order. */
  invitationsOf(people: readonly Person[]): Promise<Invitation[]>;
  /** Whether they are listed by themselves, signed for or not: to take somebody out takes no proof. */
  isDirect(person: Person): Promise<boolean>;
  /** Whether people may be in whom the meeting's own admins do not name; signed for or not. */
  hasDurableGroups(): Promise<boolean>;
  /** Of the meeting and, looked at now, of the durable groups of the own bridge in it. */
  losses(): Promise<GroupLosses>;
}

/** A durable group in a meeting. */
interface Durable {
  readonly member: GroupMember;
  /** Whether an admin of the meeting put it there, as far as anybody can still tell. */
  readonly isSigned: boolean;
}

/** Asks who is in the group of a meeting, and in the durable groups that are its members, at whichever bridge they live. */
export function createInvitations(parts: ClientParts): (group: JudgedGroup) => Invited {
  return (group) => new InvitedNow(parts, group);
}

class InvitedNow implements Invited {
  readonly #parts: ClientParts;
  readonly #group: JudgedGroup;
  #durables: Promise<Durable[]> | undefined;
  readonly #views = new Map<string, Promise<JudgedGroup | null>>();

  constructor(parts: ClientParts, group: JudgedGroup) {
    this.#parts = parts;
    this.#group = group;
  }

  async invitationsOf(people: readonly Person[]): Promise<Invitation[]> {
    const excluded = excludedFrom(this.#group);
    const candidates = people.filter((person) => !excluded.has(nameOf(person)));
    const direct = await findMembers(this.#parts, this.#group, candidates);
    const byName = new Map(candidates.map((person) => [nameOf(person), bestOf(direct.get(nameOf(person)))]));
    const isOpen = (person: Person) => byName.get(nameOf(person)) !== 'by_admins';
    if (candidates.some(isOpen)) {
      for (const { member, isSigned } of await this.#durablesNow()) {
        const others = isSigned ? candidates.filter(isOpen) : [];
        for (const [name, invitation] of await this.#byDurable(member, others)) {
          if (invitation !== 'none') byName.set(name, invitation);
        }
      }
    }
    return people.map((person) => byName.get(nameOf(person)) ?? 'none');
  }

  async isDirect(person: Person): Promise<boolean> {
    return (await findMembers(this.#parts, this.#group, [person])).size > 0;
  }

  async hasDurableGroups(): Promise<boolean> {
    return (await this.#durablesNow()).length > 0;
  }

  async losses(): Promise<GroupLosses> {
    const { removals, exclusions } = lossesOf(this.#group.shown);
    const all = new Map(removals);
    for (const { member } of await this.#durablesNow()) {
      const { iss, group } = member;
      if (iss === this.#parts.context.issuer) all.set(group, await this.#removalsOf({ iss, group }));
    }
    return { removals: all, exclusions };
  }

  /** Listed once for each look at the group; again, where that failed. */
  #durablesNow(): Promise<Durable[]> {
    this.#durables ??= this.#listDurables().catch((error: unknown) => {
      this.#durables = undefined;
      throw error;
    });
    return this.#durables;
  }

  async #listDurables(): Promise<Durable[]> {
    const durables: Durable[] = [];
    for await (const { claims, by } of listedMemberships(this.#parts, this.#group, 'group')) {
      if (isGroupMember(claims.member)) durables.push({ member: claims.member, isSigned: by !== null });
    }
    return durables;
  }

  /** Of a group of another company its own people alone: of others its bridge would let nobody in by it. */
  async #byDurable(member: GroupMember, people: readonly Person[]): Promise<Map<string, Invitation>> {
    const isOwn = member.iss === this.#parts.context.issuer;
    const asked = isOwn ? people : people.filter(({ iss }) => iss === member.iss);
    if (asked.length === 0) return new Map();
    const found = await this.#findIn(member, asked);
    return new Map(
      asked.map((person) => [
        nameOf(person),
        found === null ? 'by_bridge' : bestOf(found.get(nameOf(person))),
      ]),
    );
  }

  /** Null where this person cannot see the group, or not now: then nobody is in by it for sure. */
  async #findIn(
    { iss, group }: GroupMember,
    people: readonly Person[],
  ): Promise<ReadonlyMap<string, ListedMembership> | null> {
    try {
      const judged = await this.#view({ iss, group });
      if (judged === null || judged.claims.kind !== 'durable' || judged.shown.status === 'ended') return null;
      const excluded = excludedFrom(judged);
      const candidates = people.filter((person) => !excluded.has(nameOf(person)));
      return await findMembers(this.#parts, judged, candidates);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return null;
    }
  }

  #view(ref: { readonly iss: string; readonly group: string }): Promise<JudgedGroup | null> {
    const name = `${ref.iss} ${ref.group}`;
    const known = this.#views.get(name);
    if (known !== undefined) return known;
    const viewing = judgeGroup(this.#parts, ref).catch((error: unknown) => {
      this.#views.delete(name);
      if (isCountersignError(error)) return null;
      throw error;
    });
    this.#views.set(name, viewing);
    return viewing;
  }

  async #removalsOf(ref: { readonly iss: string; readonly group: string }): Promise<number> {
    try {
      const { shown } = await judgeGroup(this.#parts, ref);
      return lossesOf(shown).removals.get(ref.group) ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return Number.POSITIVE_INFINITY;
    }
  }
}

/** To shut somebody out takes no proof, so the list is taken as it stands. */
function excludedFrom({ shown }: JudgedGroup): ReadonlySet<string> {
  return new Set(
    shown.exclusions.map((token) =>
      nameOf(decodeClaims(token, 'group-exclusion+jwt', exclusionSchema).member),
    ),
  );
}

/** By an admin's statement that verifies, or by one of which nobody shows any more whose device signed it. */
function bestOf(listed: ListedMembership | undefined): Invitation {
  if (listed === undefined) return 'none';
  return listed.by === null ? 'by_bridge' : 'by_admins';
}
