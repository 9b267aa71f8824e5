import { parseAddress } from '../../protocol/address.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type AdmissionPolicy, parseAdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import type { LeftEvent, RosterParticipant } from '../../protocol/meetings/api.ts';
import type { MeetingHost } from '../../protocol/meetings/host-tree.ts';
import { REKEY_DEPARTURES, REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import type { Addition, Members } from '../groups/groups.ts';
import { announceChange, refusalOf } from './announce-change.ts';
import { AdmissionRefusedError } from './candidates.ts';
import { createGathering, type Gathering } from './gathering.ts';
import { type GroupLosses, hasLostMore, knownSince } from './group-losses.ts';
import type { HostAdmission } from './host-admission.ts';
import type { HostRole } from './host-role.ts';
import { makeSecret, type Outgoing, uploadOf } from './outgoing.ts';
import { type Arrival, createReception, type Reception } from './reception.ts';
import type { SignedMessage } from './senders.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** Joins wait this long for others, so that one message serves many. Departures wait for nothing. */
const GATHERING_MS = 300;

/** The device that makes a meeting's keys, in one term. */
export class Hosting implements HostRole {
  readonly kind = 'host';
  readonly host: MeetingHost;
  readonly #session: Session;
  readonly #reception: Reception;
  readonly #gathering: Gathering;
  readonly #admission: HostAdmission;
  readonly present = new Map<string, Arrival>();
  /** Devices that are to lose their place. */
  readonly #leaving = new Map<string, LeftEvent>();
  /** Devices that left while presence proofs were being verified, which may be theirs. */
  readonly #gone = new Set<string>();
  #arrivals: Arrival[] = [];
  #outgoing: Outgoing | null = null;
  /** The last message of its own that came back while it was on its way. */
  #heard: string | null = null;
  #isStuck = false;
  /** People whom this device has shut out: what the bridges tell of their devices afterwards is nothing new. */
  readonly #shutOut = new Set<string>();
  /** What was taken from people as of this epoch's beginning, or is about to begin the next one. */
  #losses: GroupLosses;
  /** The epoch that must have begun, whoever joins or leaves. */
  #demanded = 0;

  constructor(session: Session, host: MeetingHost, admission: HostAdmission) {
    this.#session = session;
    this.host = host;
    this.#admission = admission;
    this.#losses = session.parts.group.facts.losses;
    this.#reception = createReception(session.parts, {
      challengeOf: (epoch) => host.challenge(epoch),
      refusals: (candidates) => admission.refusals(candidates),
    });
    this.#gathering = createGathering(
      GATHERING_MS,
      () => this.#flush(),
      (error) => this.#failed(error),
    );
  }

  get isStuck(): boolean {
    return this.#isStuck;
  }

  async presence(shown: RosterParticipant): Promise<void> {
    if (shown.device_id === this.#session.parts.device.id) return;
    this.#reception.show(shown);
    if (!this.#reception.isFull) this.#gathering.soon();
    else await this.#gathering.now().catch((error: unknown) => this.#failed(error));
  }

  left(event: LeftEvent): void {
    this.#reception.forget(event.device_id);
    this.#arrivals = this.#arrivals.filter(({ newcomer }) => newcomer.device_id !== event.device_id);
    // Also one without a place: it may be about to get one.
    this.#gone.add(event.device_id);
    this.#leaving.set(event.device_id, event);
    this.#gathering.now().catch((error: unknown) => this.#failed(error));
  }

  async rekeyed(token: string): Promise<SignedMessage | null> {
    const hash = sha256Base64url(token);
    if (hash === this.host.head) return null;
    if (hash === this.#outgoing?.prepared.hash) {
      this.#heard = hash;
      return null;
    }
    const message = await this.#session.senders.verify(token);
    const { term, epoch } = message.claims;
    if (term > this.host.term && epoch > this.host.epoch) return message;
    const isOwn = message.device === this.#session.parts.device.id;
    if (epoch <= this.host.epoch) throw new CountersignError('rekey_replayed');
    if (isOwn && term === this.host.term) {
      throw new CountersignError('conflict', 'a message that this device gave up was accepted');
    }
    throw new CountersignError('rekey_sender', 'another device sends in the term of this one');
  }

  add(who: Members): Promise<Addition> {
    return this.#session.parts.group.add(who);
  }

  regrouped(): void {
    const begin = async () => {
      for (let isTaken = false; !isTaken; ) isTaken = await this.#takeInLosses();
      if (this.#isDemanded) await this.#gathering.now();
    };
    begin().catch((error: unknown) => this.#failed(error));
  }

  /** No epoch waits while it looks; false where something else was taken out meanwhile, and it is to look again. */
  async #takeInLosses(): Promise<boolean> {
    const before = this.#losses;
    const losses = await untilSent(this.#session, () => this.#session.parts.group.losses());
    return this.#gathering.alone(async () => {
      if (this.#losses !== before) return false;
      this.#shutOut.clear();
      if (hasLostMore(before, losses)) this.#demandNext();
      this.#losses = losses;
      return true;
    });
  }

  async remove(address: string): Promise<void> {
    // The bridges first: the next epoch's key must not be sealed to whom it is kept from. They tell of the devices too.
    try {
      await this.#gathering.alone(() => this.#restrict(address));
    } finally {
      if (this.#isDemanded) await this.#gathering.now();
    }
  }

  async #restrict(address: string): Promise<void> {
    const { group } = this.#session.parts;
    try {
      const person = await group.restrict(address);
      this.#shutOut.add(person.sub);
      this.#takeOut(({ iss, sub }) => iss === person.iss && sub === person.sub);
    } catch (error) {
      // The bridges may have done it before it failed. Whoever is still invited gets another place.
      const { address: named } = parseAddress(address);
      if (!isCountersignError(error, 'group_not_member')) {
        this.#takeOut(({ device_id }) => this.present.get(device_id)?.participant.address === named);
      }
      throw error;
    }
    // As the bridge has just told: the epoch waits for no list of members, nor for other groups.
    this.#losses = knownSince(this.#losses, group.facts.losses);
  }

  /** An epoch begins without them, and with nobody's place changed where they have none. */
  #takeOut(isOut: (device: Device) => boolean): void {
    this.#demanded = this.host.epoch + 1;
    this.#arrivals = this.#arrivals.filter(({ newcomer }) => !isOut(newcomer));
    for (const { iss, sub, device_id } of this.host.roster.members().filter(isOut)) {
      this.#leaving.set(device_id, { iss, sub, device_id, reason: 'gone' });
    }
  }

  /** For somebody who has no place: they may have opened the key, where it is sealed to the group. */
  #demandNext(): void {
    const { head } = this.#session;
    if (head === null || head.claims.key_id !== null) this.#demanded = this.host.epoch + 1;
  }

  get #isDemanded(): boolean {
    return this.#demanded > this.host.epoch;
  }

  rekey(): Promise<void> {
    this.#demanded = this.host.epoch + (this.#outgoing === null ? 1 : 2);
    return this.#gathering.now();
  }

  async setAdmission(policy: AdmissionPolicy): Promise<void> {
    const parsed = parseAdmissionPolicy(policy);
    const statement = await this.#gathering.alone(async () => {
      const changed = await this.#admission.change(parsed);
      await this.#expel();
      return changed;
    });
    // More people than one message takes out are gone when the statement comes into force.
    while (this.#admission.isDue && this.#admission.newest === statement) {
      this.#demanded = this.host.epoch + 1;
      await this.#gathering.now();
    }
  }

  /** Who is here, or about to get a place, and does not satisfy the newest policy is to have none. */
  async #expel(): Promise<void> {
    const here = [...this.present.values(), ...this.#arrivals];
    const refusals = await this.#admission.refusals(here.map(({ candidate }) => candidate));
    for (const [index, { newcomer, candidate }] of here.entries()) {
      const reasons = refusals[index] ?? [];
      if (reasons.length === 0) continue;
      const { iss, sub, device_id } = newcomer;
      this.#arrivals = this.#arrivals.filter((arrival) => arrival.newcomer !== newcomer);
      this.#leaving.set(device_id, { iss, sub, device_id, reason: 'gone' });
      this.#session.events.push(refusalOf(candidate.address, new AdmissionRefusedError(reasons)));
    }
  }

  close(): Promise<void> {
    return this.#gathering.close();
  }

  async #flush(): Promise<void> {
    await this.#receive();
    const arrivals = this.#arrivals.splice(0, REKEY_JOINS);
    const left = this.#departures();
    if (arrivals.length === 0 && left.length === 0 && !this.#isDemanded) return;
    const statement = this.#admission.next(left.length === this.#leaving.size);
    const { secret, sealed } = await makeSecret(this.#session.parts.group, this.host, statement);
    const change = {
      joined: arrivals.map(({ newcomer }) => newcomer),
      left: left.map(({ device_id }) => device_id),
    };
    const prepared = await this.host.prepare(change, secret, this.#session.parts.context.now());
    const byDevice = new Map(arrivals.map((each) => [each.newcomer.device_id, each]));
    this.#outgoing = { prepared, secret, sealed, statement, arrivals: byDevice, left };
    try {
      await this.#deliver(this.#outgoing);
      this.#commit(this.#outgoing);
    } catch (error) {
      this.#isStuck = isCountersignError(error, 'conflict');
      // Who is to go must go: it is tried again, unless another admin is the host by now.
      const isDue = this.#leaving.size > 0 || this.#isDemanded;
      if (isDue && !isCountersignError(error, 'conflict')) this.#gathering.soon();
      throw error;
    } finally {
      this.#outgoing = null;
    }
    if (this.#arrivals.length > 0 || this.#leaving.size > 0) this.#gathering.soon();
  }

  /** Those who have a place to lose. For who has none the next epoch begins, unless it has begun. */
  #departures(): LeftEvent[] {
    for (const [device, { sub }] of [...this.#leaving]) {
      if (this.host.roster.leafOf(device) !== undefined) continue;
      this.#leaving.delete(device);
      if (!this.#shutOut.has(sub)) this.#demandNext();
    }
    return [...this.#leaving.values()].slice(0, REKEY_DEPARTURES);
  }

  /** Verifies who showed up, and lets in whom the group does. */
  async #receive(): Promise<void> {
    this.#gone.clear();
    const { admitted: present, refused } = await this.#reception.judge();
    for (const { address, error } of refused) this.#session.events.push(refusalOf(address, error));
    const admitted = present.filter(({ newcomer }) => !this.#gone.has(newcomer.device_id));
    const again = new Set(admitted.map(({ newcomer }) => newcomer.device_id));
    // Who comes again gets another place instead of the old one.
    for (const device of again) this.#leaving.delete(device);
    this.#arrivals = [
      ...this.#arrivals.filter(({ newcomer }) => !again.has(newcomer.device_id)),
      ...admitted,
    ];
  }

  /** Sends until it arrived. Throws `conflict` when somebody else's message did. */
  async #deliver(outgoing: Outgoing): Promise<void> {
    const { relay } = this.#session.parts;
    const upload = uploadOf(outgoing, (statement) => this.#admission.isNew(statement));
    try {
      await untilSent(this.#session, () => relay.rekey(upload));
    } catch (error) {
      // What the relay has told of was accepted, whatever became of the answer.
      if (this.#heard !== outgoing.prepared.hash) throw error;
    }
  }

  #commit(outgoing: Outgoing): void {
    const { prepared, secret, statement, left } = outgoing;
    const { events, parts } = this.#session;
    this.host.commit(prepared);
    this.#isStuck = false;
    this.#session.follow({ ...prepared, device: parts.device.id });
    if (statement !== null) this.#admission.commit(statement);
    this.#session.hold(secret.key, 'self');
    for (const { device_id } of left) this.#leaving.delete(device_id);
    announceChange({ events, present: this.present }, outgoing);
  }

  /** What nobody waits for. That another admin took over comes by the stream as well, with the proof of it. */
  #failed(error: unknown): void {
    if (this.#session.closing.aborted || isCountersignError(error, 'conflict')) return;
    this.#session.refuse(error);
  }
}
