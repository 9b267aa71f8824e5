import type { GroupRef } from '../../client/groups/groups.ts';
import type { Client } from '../../client/index.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import type { Company, TwoCompanies } from '../http/two-companies.ts';
import type { DurableName, GroupName } from './who-can-open.ts';

/** A key that an admin sealed, and what it is. */
export interface Sealed {
  readonly group: GroupName;
  readonly keyId: string;
  readonly key: Uint8Array;
}

/** What came of an attempt: the key, or the code with which it was refused. */
export type Opening = { readonly key: Uint8Array } | { readonly refused: string };

/** Everybody's apps, at two real bridges. What one of them does is done when the promise resolves. */
export class PeopleAtWork {
  readonly #companies: TwoCompanies;
  readonly #admins: Readonly<Record<'acme' | 'globex', Client>>;
  readonly #groups = new Map<GroupName, GroupRef>();
  readonly #apps = new Map<string, Client>();
  readonly #subs = new Map<string, string>();
  #devices = 0;

  private constructor(companies: TwoCompanies, admins: Readonly<Record<'acme' | 'globex', Client>>) {
    this.#companies = companies;
    this.#admins = admins;
  }

  /** Ada of Acme keeps the meeting and the desk, Gwen of Globex the shelf. */
  static async begin(companies: TwoCompanies): Promise<PeopleAtWork> {
    const { acme, globex } = companies;
    const admins = { acme: (await acme.signIn('ada')).client, globex: (await globex.signIn('gwen')).client };
    for (const admin of Object.values(admins)) await admin.enrol({ label: 'Admin' });
    const work = new PeopleAtWork(companies, admins);
    const ends = Math.floor(acme.bridge.clock.now() / 1000) + 86_400;
    await work.#create('meeting', { kind: 'meeting', label: 'A meeting', ends });
    await work.#create('desk', { kind: 'durable', label: 'A desk' });
    await work.#create('shelf', { kind: 'durable', label: 'A shelf' });
    // Only who takes part in a group can see it, and so invite it.
    await admins.globex.groups.add(work.#ref('shelf'), { people: [acme.address('ada')] });
    return work;
  }

  async #create(name: GroupName, made: Parameters<Client['groups']['create']>[0]): Promise<void> {
    const { iss, group } = await this.#adminOf(name).groups.create(made);
    this.#groups.set(name, { iss, group, expected: this.#expected(name) });
  }

  #adminOf(group: GroupName): Client {
    return this.#admins[group === 'shelf' ? 'globex' : 'acme'];
  }

  #expected(group: GroupName): string {
    return group === 'shelf' ? 'gwen@globex.example' : 'ada@acme.example';
  }

  #ref(name: GroupName): GroupRef {
    return known(this.#groups.get(name), name);
  }

  #companyOf(name: string): Company {
    return name === 'hal' ? this.#companies.globex : this.#companies.acme;
  }

  #address(name: string): string {
    return this.#companyOf(name).address(name);
  }

  app(device: string): Client {
    return known(this.#apps.get(device), device);
  }

  /** With the keys of a first device, whose name is answered. */
  async enrol(name: string): Promise<string> {
    const { client } = await this.#companyOf(name).signIn(name);
    const { verified } = await client.enrol({ label: 'First' });
    this.#subs.set(name, verified.statement.sub);
    for (const admin of Object.values(this.#admins)) await this.#accept(admin, this.#address(name));
    return this.#named(name, client);
  }

  #named(name: string, client: Client): string {
    this.#devices += 1;
    const device = `${name}-${this.#devices}`;
    this.#apps.set(device, client);
    return device;
  }

  /** After a reset the key is another one, which the two compare. */
  async #accept(admin: Client, address: string): Promise<void> {
    const [answer] = await admin.lookUp([address], { maxAge: 0 });
    if (answer?.status === 'changed_key') await admin.acceptChangedKey(answer);
  }

  async addDevice(name: string, approver: string): Promise<string> {
    const { client } = await this.#companyOf(name).signIn(name);
    const addition = await client.requestDevice({ label: 'Another', method: 'fingerprint' });
    const { fingerprint } = addition;
    await this.app(approver).approveDevice(addition.id, { fingerprint }, CONFIRM_ALL);
    await addition.waitForApproval();
    return this.#named(name, client);
  }

  async removeDevice(device: string, by: string): Promise<void> {
    const { deviceId } = await this.app(device).me();
    await this.app(by).removeDevice(deviceId);
  }

  rotateDevice(device: string): Promise<void> {
    return this.app(device).rotateDevice();
  }

  async rotatePerson(device: string): Promise<void> {
    await this.app(device).rotateKeys(CONFIRM_ALL);
  }

  async reset(name: string): Promise<void> {
    const sub = known(this.#subs.get(name), name);
    const { administrator } = this.#companyOf(name).bridge;
    await administrator.post(`/admin/v1/persons/${sub}/reset`, { reason: 'a lost telephone' });
  }

  async add(group: GroupName, name: string): Promise<void> {
    const people = [this.#address(name)];
    const { added, notAdded } = await this.#adminOf(group).groups.add(this.#ref(group), { people });
    if (added !== 1) throw new Error(`${name} was not added to the ${group}: ${JSON.stringify(notAdded)}`);
  }

  async remove(group: GroupName, name: string): Promise<void> {
    await this.#adminOf(group).groups.remove(this.#ref(group), { people: [this.#address(name)] });
  }

  async invite(durable: DurableName): Promise<void> {
    await this.#admins.acme.groups.add(this.#ref('meeting'), { groups: [this.#ref(durable)] });
  }

  async uninvite(durable: DurableName): Promise<void> {
    await this.#admins.acme.groups.remove(this.#ref('meeting'), { groups: [this.#ref(durable)] });
  }

  async exclude(name: string): Promise<void> {
    await this.#admins.acme.groups.exclude(this.#ref('meeting'), this.#address(name));
  }

  async readmit(name: string): Promise<void> {
    await this.#admins.acme.groups.readmit(this.#ref('meeting'), this.#address(name));
  }

  async rotateGroup(group: GroupName): Promise<void> {
    await this.#adminOf(group).groups.rotate(this.#ref(group));
  }

  async seal(group: GroupName): Promise<Sealed> {
    const { keyId, key } = await this.#adminOf(group).groups.sealKey(this.#ref(group));
    return { group, keyId, key };
  }

  async open(device: string, { group, keyId }: Sealed): Promise<Opening> {
    try {
      const { key } = await this.app(device).groups.openKey(this.#ref(group), keyId);
      return { key };
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return { refused: error.code };
    }
  }
}

/** The person recognizes every device that they are shown. */
const CONFIRM_ALL = {
  confirmDevices: (devices: readonly { readonly device_id: string }[]) =>
    devices.map(({ device_id: id }) => id),
};

function known<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`nobody knows ${name}`);
  return value;
}
