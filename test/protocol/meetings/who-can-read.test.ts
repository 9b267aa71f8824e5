import { describe, expect, it } from 'vitest';
import { followRekey, type MemberPath } from '../../../protocol/meetings/member-path.ts';
import type { MeetingMember } from '../../../protocol/meetings/member-tree.ts';
import { openPlacement } from '../../../protocol/meetings/placement.ts';
import type { Rekey } from '../../../protocol/meetings/rekey-message.ts';
import { choicesFrom, type RandomChoices } from '../../model/random-choices.ts';
import { KeyGraph } from './key-graph.ts';
import { again, boxOf, type Guest, Hosting, makeGuest, memberFor, type Sent } from './meeting.ts';

/** A device that somebody may join with, leave with, and join with again. */
class Person {
  guest: Guest;
  readonly member: MeetingMember;
  isIn = false;
  /** The keys that it has, and every one that it ever had. */
  path: MemberPath | undefined;
  readonly held: MemberPath[] = [];

  constructor(guest: Guest) {
    this.guest = guest;
    this.member = memberFor(guest);
  }

  async comesAgain(): Promise<void> {
    this.guest = await again(this.guest);
    this.member.expectPlacement(this.guest.ephemeral);
  }

  /** Keeps its keys beside the member, which does not give them away. */
  async record(sent: Sent): Promise<void> {
    const { claims } = sent;
    const own = claims.change.joined.find(({ device_id }) => device_id === this.guest.newcomer.device_id);
    if (own !== undefined) {
      const box = boxOf(sent, this.guest);
      const place = { ...claims, ...own };
      this.path = await openPlacement(box, place, claims.levels, this.guest.ephemeral);
    } else if (this.path !== undefined && claims.change.left.includes(this.path.leaf)) {
      this.path = undefined;
    } else if (this.path !== undefined) {
      this.path = await followRekey(this.path, claims);
    }
    if (this.path !== undefined) this.held.push(this.path);
  }
}

/** Some join, some leave, some come again without having left; often nobody does one of these. */
function chooseStep(people: readonly Person[], choices: RandomChoices, most: number) {
  const pick = (from: readonly Person[]) =>
    new Set(Array.from({ length: Math.min(choices.number(most), from.length) }, () => choices.of(from)));
  const present = people.filter(({ isIn }) => isIn);
  const left = pick(present);
  const anew = new Set([...(choices.number(8) === 0 ? pick(present) : [])].filter((each) => !left.has(each)));
  return { left, joined: new Set([...pick(people.filter(({ isIn }) => !isIn)), ...anew]) };
}

async function makePeople(count: number): Promise<Person[]> {
  const names = Array.from({ length: count }, (_, index) => `guest-${index}`);
  return Promise.all(names.map(async (name) => new Person(await makeGuest(name))));
}

async function takeStep(
  hosting: Hosting,
  { left, joined }: { left: ReadonlySet<Person>; joined: ReadonlySet<Person> },
): Promise<Sent> {
  for (const person of joined) await person.comesAgain();
  for (const person of left) person.isIn = false;
  for (const person of joined) person.isIn = true;
  return hosting.send({
    joined: [...joined].map(({ guest }) => guest.newcomer),
    left: [...left].map(({ guest }) => guest.newcomer.device_id),
  });
}

describe('over thousands of steps', () => {
  it.each([1, 2, 3])(
    'exactly those who are in the meeting have its key (seed %i)',
    async (seed) => {
      const choices = choicesFrom(seed);
      const people = await makePeople(20);
      let hosting = await Hosting.begin();
      let newest = await hosting.send();
      for (const { member } of people) await member.receive(newest.message);
      for (let step = 0; step < 700; step += 1) {
        if (choices.number(100) === 0) {
          hosting = await Hosting.begin(choices.of(['alice', 'carol']), newest.message);
          for (const person of people) person.isIn = false;
        }
        newest = await takeStep(hosting, chooseStep(people, choices, 4));
        for (const { member, guest, isIn } of people) {
          const received = await member.receive(newest.message);
          const isNew = newest.placements.some(({ device_id }) => device_id === guest.newcomer.device_id);
          const placed = isNew ? await member.place(newest.hash, boxOf(newest, guest)) : null;
          expect(placed?.key ?? received.key).toEqual(isIn ? newest.key : null);
          expect(member.status === 'placed').toBe(isIn);
        }
        const [{ member }] = [choices.of(people)];
        expect(member.members).toEqual(hosting.host.roster.members());
      }
    },
    120_000,
  );
});

/** A meeting with everything that was sent and everything that anybody ever had. */
async function recordedMeeting(seed: number, steps: number) {
  const choices = choicesFrom(seed);
  const people = await makePeople(9);
  const hosting = await Hosting.begin();
  const history: { claims: Rekey; present: ReadonlySet<Person> }[] = [];
  for (let step = 0; step < steps; step += 1) {
    const sent = await takeStep(hosting, chooseStep(people, choices, 3));
    for (const person of people) await person.record(sent);
    history.push({ claims: sent.claims, present: new Set(people.filter(({ isIn }) => isIn)) });
  }
  const held = people.flatMap((person) => person.held);
  const graph = await KeyGraph.of(
    held,
    history.map(({ claims }) => claims),
  );
  return { people, history, graph };
}

describe('whoever recorded everything', () => {
  it.each([11, 12, 13, 14, 15, 16])(
    'reads no epoch in which they were not there, not even all of them together (seed %i)',
    async (seed) => {
      const { people, history, graph } = await recordedMeeting(seed, 60);
      let tried = 0;
      for (const { claims, present } of history) {
        const absent = people.filter((person) => !present.has(person));
        const pooled = graph.reach(absent.flatMap(({ held }) => held));
        tried += absent.some(({ held }) => held.length > 0) ? 1 : 0;
        expect(graph.opens(pooled, claims)).toBe(false);
        for (const { held } of present) expect(graph.opens(graph.reach(held), claims)).toBe(true);
      }
      expect(tried).toBeGreaterThan(30);
    },
    60_000,
  );

  it('reads on from the first key of a stay to its end, and neither before nor after', async () => {
    const hosting = await Hosting.begin();
    const [early, late] = [new Person(await makeGuest('early')), new Person(await makeGuest('late'))];
    const none = new Set<Person>();
    const steps = [
      ...[
        { joined: new Set([early]), left: none },
        { joined: new Set([late]), left: none },
      ],
      ...[
        { joined: none, left: none },
        { joined: none, left: new Set([late]) },
        { joined: none, left: none },
      ],
    ];
    const sent: Sent[] = [];
    for (const step of steps) {
      const next = await takeStep(hosting, step);
      for (const person of [early, late]) await person.record(next);
      sent.push(next);
    }
    const claims = sent.map((each) => each.claims);
    const graph = await KeyGraph.of([...early.held, ...late.held], claims);
    const read = graph.reach(late.held.slice(0, 1));
    expect(claims.map((each) => graph.opens(read, each))).toEqual([false, true, true, false, false]);
  });
});
