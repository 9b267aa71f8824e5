/** What a key is sealed to. `desk` and `shelf` are durable and may be members of the meeting; `shelf` is the partner's. */
export const GROUPS = ['meeting', 'desk', 'shelf'] as const;
export type GroupName = (typeof GROUPS)[number];
export type DurableName = Exclude<GroupName, 'meeting'>;

/** A device of somebody, by a name that is never used again. */
export type DeviceName = string;

interface ModelledPerson {
  /** Raised by each reset: what was encrypted to the key before it is lost. */
  keys: number;
  readonly devices: Set<DeviceName>;
}

/** Who may open what, by the rules alone: no keys, no bridges. */
export class WhoCanOpen {
  readonly #people = new Map<string, ModelledPerson>();
  /** By group: whom an admin added, with the keys that they had then. */
  readonly #members = new Map<GroupName, Map<string, number>>(GROUPS.map((name) => [name, new Map()]));
  /** Durable groups whose members take part in the meeting. */
  readonly invited = new Set<DurableName>();
  /** Who is shut out of the meeting, however they would come in. */
  readonly excluded = new Set<string>();

  person(name: string): ModelledPerson {
    let person = this.#people.get(name);
    if (person === undefined) {
      person = { keys: 0, devices: new Set() };
      this.#people.set(name, person);
    }
    return person;
  }

  add(group: GroupName, name: string): void {
    this.#membersOf(group).set(name, this.person(name).keys);
  }

  remove(group: GroupName, name: string): void {
    this.#membersOf(group).delete(name);
  }

  /** The bridge that keeps the person's keys ends the memberships in its own groups; those elsewhere lead nowhere. */
  reset(name: string): void {
    const person = this.person(name);
    person.keys += 1;
    person.devices.clear();
  }

  /** By a statement that leads to the keys of now. */
  isMember(group: GroupName, name: string): boolean {
    return this.#membersOf(group).get(name) === this.person(name).keys;
  }

  /** Whether a statement stands that an admin would have to remove, whatever it leads to. */
  isListed(group: GroupName, name: string): boolean {
    return this.#membersOf(group).has(name);
  }

  canOpen(group: GroupName, name: string, device: DeviceName): boolean {
    if (!this.person(name).devices.has(device)) return false;
    if (group !== 'meeting') return this.isMember(group, name);
    if (this.excluded.has(name)) return false;
    const ways = [...this.invited].filter((each) => leadsInto(each, name));
    return this.isMember('meeting', name) || ways.some((each) => this.isMember(each, name));
  }

  #membersOf(group: GroupName): Map<string, number> {
    return this.#members.get(group) ?? new Map();
  }
}

/** A durable group leads into a meeting of Acme if Acme's bridge keeps it, or that of the person (PROTOCOL §10). */
function leadsInto(durable: DurableName, name: string): boolean {
  return durable === 'desk' || name === 'hal';
}
