import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { PeopleAtWork, type Sealed } from './people-at-work.ts';
import { choicesFrom, type RandomChoices } from './random-choices.ts';
import { type DurableName, GROUPS, type GroupName, WhoCanOpen } from './who-can-open.ts';

/** A run of 5,000 takes some forty minutes (last: 23 November 2026, seed 20261123): `COUNTERSIGN_MODEL_STEPS=5000 npx vitest run --project embedded test/model`. */
const STEPS = Number(process.env.COUNTERSIGN_MODEL_STEPS ?? 40);
const SEED = Number(process.env.COUNTERSIGN_MODEL_SEED ?? Math.floor(Math.random() * 2 ** 32));

const PEOPLE = ['bob', 'carol', 'hal'];
const DURABLE: readonly DurableName[] = ['desk', 'shelf'];
/** Keys that are tried; older ones are forgotten, but for the first of each group. */
const KEYS = 9;
/** With what somebody is refused who may not open a key; a bridge that is out of order says something else. */
const REFUSALS = /^(group_unknown|group_excluded|membership_stale|sign_in_required|device_not_endorsed)$/;
/** After so many steps everybody tries everything. */
const TRY_ALL = STEPS > 1_000 ? 100 : 20;
const MOST_DEVICES = 3;

let companies: TwoCompanies;
let work: PeopleAtWork;
beforeAll(async () => {
  companies = await startTwoCompanies();
  work = await PeopleAtWork.begin(companies);
});
afterAll(() => companies?.close());

/** The steps that have been done, the devices that ever were, and what was sealed. */
class Run {
  readonly model = new WhoCanOpen();
  readonly choices: RandomChoices;
  readonly done: string[] = [];
  /** Also those that are removed: they go on trying. */
  readonly devices: { readonly name: string; readonly device: string }[] = [];
  readonly sealed: Sealed[] = [];

  constructor(seed: number) {
    this.choices = choicesFrom(seed);
  }

  async begin(): Promise<void> {
    for (const name of PEOPLE) await this.#enrol(name);
    for (const group of GROUPS) await this.#seal(group);
  }

  async #enrol(name: string): Promise<void> {
    this.#own(name, await work.enrol(name));
  }

  #own(name: string, device: string): void {
    this.model.person(name).devices.add(device);
    this.devices.push({ name, device });
  }

  async #seal(group: GroupName): Promise<void> {
    this.sealed.push(await work.seal(group));
    if (this.sealed.length > KEYS) this.sealed.splice(GROUPS.length, 1);
  }

  async step(): Promise<void> {
    const { choices, model } = this;
    const name = choices.of(PEOPLE);
    const group = choices.of(GROUPS);
    const durable = choices.of(DURABLE);
    const devices = [...model.person(name).devices];
    const [own] = devices;
    const act = choices.of(this.#possible(name, group, durable));
    this.done.push(`${act} ${name} ${group} ${durable}`);
    if (act === 'enrol') return this.#enrol(name);
    if (own === undefined) throw new Error('nobody acts without a device');
    switch (act) {
      case 'add':
        await work.add(group, name);
        model.add(group, name);
        return;
      case 'remove':
        await work.remove(group, name);
        model.remove(group, name);
        return;
      case 'invite':
        await work.invite(durable);
        model.invited.add(durable);
        return;
      case 'uninvite':
        await work.uninvite(durable);
        model.invited.delete(durable);
        return;
      case 'exclude':
        await work.exclude(name);
        model.excluded.add(name);
        return;
      case 'readmit':
        await work.readmit(name);
        model.excluded.delete(name);
        return;
      case 'rotate group':
        return work.rotateGroup(group);
      case 'rotate person':
        return work.rotatePerson(choices.of(devices));
      case 'rotate device':
        return work.rotateDevice(choices.of(devices));
      case 'add device':
        return this.#own(name, await work.addDevice(name, choices.of(devices)));
      case 'remove device': {
        const gone = choices.of(devices.slice(1));
        await work.removeDevice(gone, own);
        model.person(name).devices.delete(gone);
        return;
      }
      case 'reset':
        await work.reset(name);
        model.reset(name);
        return;
      case 'seal':
        return this.#seal(group);
    }
  }

  #possible(name: string, group: GroupName, durable: DurableName) {
    const { model } = this;
    const { devices } = model.person(name);
    if (devices.size === 0) return ['enrol'] as const;
    const excluded = model.excluded.has(name);
    return [
      model.isListed(group, name) ? ('remove' as const) : ('add' as const),
      model.isListed(group, name) ? ('remove' as const) : ('add' as const),
      model.invited.has(durable) ? ('uninvite' as const) : ('invite' as const),
      excluded ? ('readmit' as const) : ('exclude' as const),
      'rotate group' as const,
      'rotate person' as const,
      'rotate device' as const,
      ...(devices.size < MOST_DEVICES ? (['add device'] as const) : []),
      ...(devices.size > 1 ? (['remove device'] as const) : []),
      'reset' as const,
      'seal' as const,
    ];
  }

  async tryOne(): Promise<void> {
    await this.#try(this.choices.of(this.devices.slice(-12)), this.choices.of(this.sealed));
  }

  async tryAll(): Promise<void> {
    for (const each of this.devices.slice(-12))
      for (const sealed of this.sealed) await this.#try(each, sealed);
  }

  /** Both ways: who may gets the very key, and who may not gets none. */
  async #try({ name, device }: { name: string; device: string }, sealed: Sealed): Promise<void> {
    const opened = await work.open(device, sealed);
    const named = `seed ${SEED}, ${device} on a key of the ${sealed.group}, after ${this.done.slice(-15).join('; ')}`;
    if (this.model.canOpen(sealed.group, name, device)) expect(opened, named).toEqual({ key: sealed.key });
    else expect(opened, named).toEqual({ refused: expect.stringMatching(REFUSALS) });
  }
}

describe('whoever can open a sealed key', () => {
  it(
    `is whom the rules let, in ${STEPS} random steps at two bridges`,
    async () => {
      const run = new Run(SEED);
      await run.begin();
      for (let step = 1; step <= STEPS; step++) {
        await run.step();
        await run.tryOne();
        if (step % TRY_ALL === 0) await run.tryAll();
      }
      await run.tryAll();
    },
    120_000 + STEPS * 2_000,
  );
});
