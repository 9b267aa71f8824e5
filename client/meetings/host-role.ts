import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { LeftEvent, RosterParticipant } from '../../protocol/meetings/api.ts';
import { MeetingHost, type PreparedRekey } from '../../protocol/meetings/host-tree.ts';
import { REKEY_DEPARTURES, REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import type { Addition, Members } from '../groups/groups.ts';
import { createGathering, type Gathering } from './gathering.ts';
import type { Participant } from './meeting.ts';
import type { SealedEpoch } from './meeting-group.ts';
import { showPresence } from './own-presence.ts';
import { type Arrival, createReception, type Reception } from './reception.ts';
import type { SignedMessage } from './senders.ts';
import type { Head, Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** Joins wait this long for others, so that one message serves many. Departures wait for nothing. */
const GATHERING_MS = 300;

export interface HostRole {
  readonly kind: 'host';
  readonly host: MeetingHost;
  /** What is known of somebody who has a place. */
  participant(deviceId: string): Participant | undefined;
  /** Somebody shows their presence. Resolves when there is room for the next one. */
  presence(shown: RosterParticipant): Promise<void>;
  left(event: LeftEvent): void;
  /** A message from the relay. Answers it where it ends this role: another admin took over. */
  rekeyed(token: string): Promise<SignedMessage | null>;
  add(who: Members): Promise<Addition>;
  remove(address: string): Promise<void>;
  rekey(): Promise<void>;
  close(): Promise<void>;
}

/** A message on its way, with the key that it brings. */
interface Outgoing {
  readonly prepared: PreparedRekey;
  readonly sealed: SealedEpoch;
  readonly arrivals: ReadonlyMap<string, Arrival>;
  readonly left: readonly LeftEvent[];
}

/**
 * Makes this device the host, and begins the term with a first epoch. `after`: the newest message, for a take-over.
 * Throws `conflict` when it is not the newest.
 */
export async function beginHosting(session: Session, after: Head | null): Promise<HostRole> {
  const { group, device, self } = session.parts;
  const host = MeetingHost.begin({
    ...{ group: group.group, iss: group.iss, sub: self.sub, device: device.sig },
    after,
  });
  const role = new Hosting(session, host);
  await role.rekey();
  await showHost(session, host);
  return role;
}

/** The host has no place in the tree, but is in the roster of the others. */
async function showHost(session: Session, host: MeetingHost): Promise<void> {
  const challenge = host.challenge(host.epoch);
  if (challenge === undefined) throw new CountersignError('internal', 'a term without an epoch');
  await showPresence(session, { epoch: host.epoch, challenge });
}

class Hosting implements HostRole {
  readonly kind = 'host';
  readonly host: MeetingHost;
  readonly #session: Session;
  readonly #reception: Reception;
  readonly #gathering: Gathering;
  readonly #present = new Map<string, Participant>();
  /** Devices that are to lose their place. */
  readonly #leaving = new Map<string, LeftEvent>();
  /** Devices that left while presence proofs were being verified, which may be theirs. */
  readonly #gone = new Set<string>();
  #arrivals: Arrival[] = [];
  #outgoing: Outgoing | null = null;
  /** The epoch that must have begun, whoever joins or leaves. */
  #demanded = 0;

  constructor(session: Session, host: MeetingHost) {
    this.#session = session;
    this.host = host;
    this.#reception = createReception(session.parts, (epoch) => host.challenge(epoch));
    this.#gathering = createGathering(
      GATHERING_MS,
      () => this.#flush(),
      (error) => this.#failed(error),
    );
  }

  participant(deviceId: string): Participant | undefined {
    return this.#present.get(deviceId);
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
    if (hash === this.host.head || hash === this.#outgoing?.prepared.hash) return null;
    const message = await this.#session.senders.verify(token);
    const { term, epoch } = message.claims;
    if (term > this.host.term && epoch > this.host.epoch) return message;
    const isOwn = message.device === this.#session.parts.device.id;
    if (isOwn || epoch <= this.host.epoch) throw new CountersignError('rekey_replayed');
    throw new CountersignError('rekey_sender', 'another device sends in the term of this one');
  }

  add(who: Members): Promise<Addition> {
    return this.#session.parts.group.add(who);
  }

  async remove(address: string): Promise<void> {
    // The bridges first: the next epoch's key must not be sealed to whom it is kept from. They tell of the devices too.
    await this.#gathering.alone(() => this.#restrict(address));
    await this.#gathering.now();
  }

  async #restrict(address: string): Promise<void> {
    const person = await this.#session.parts.group.restrict(address);
    const isPerson = ({ iss, sub }: { iss: string; sub: string }) => iss === person.iss && sub === person.sub;
    this.#demanded = this.host.epoch + 1;
    this.#arrivals = this.#arrivals.filter(({ newcomer }) => !isPerson(newcomer));
    for (const { iss, sub, device_id } of this.host.roster.members().filter(isPerson)) {
      this.#leaving.set(device_id, { iss, sub, device_id, reason: 'gone' });
    }
  }

  rekey(): Promise<void> {
    this.#demanded = this.host.epoch + (this.#outgoing === null ? 1 : 2);
    return this.#gathering.now();
  }

  close(): Promise<void> {
    return this.#gathering.close();
  }

  async #flush(): Promise<void> {
    await this.#receive();
    const arrivals = this.#arrivals.splice(0, REKEY_JOINS);
    const left = this.#departures();
    const isDemanded = this.#demanded > this.host.epoch;
    if (arrivals.length === 0 && left.length === 0 && !isDemanded) return;
    const place = { term: this.host.term, epoch: this.host.epoch + 1 };
    const sealed = await this.#session.parts.group.seal(place);
    const change = {
      joined: arrivals.map(({ newcomer }) => newcomer),
      left: left.map(({ device_id }) => device_id),
    };
    const prepared = await this.host.prepare(change, sealed, this.#session.parts.context.now());
    const byDevice = new Map(arrivals.map((each) => [each.newcomer.device_id, each]));
    this.#outgoing = { prepared, sealed, arrivals: byDevice, left };
    try {
      await this.#deliver(this.#outgoing);
      this.#commit(this.#outgoing);
    } catch (error) {
      // Who is to go must go: it is tried again, unless another admin is the host by now.
      if (this.#leaving.size > 0 && !isCountersignError(error, 'conflict')) this.#gathering.soon();
      throw error;
    } finally {
      this.#outgoing = null;
    }
    if (this.#arrivals.length > 0 || this.#leaving.size > 0) this.#gathering.soon();
  }

  /** Those who have a place to lose. */
  #departures(): LeftEvent[] {
    for (const device of [...this.#leaving.keys()]) {
      if (this.host.roster.leafOf(device) === undefined) this.#leaving.delete(device);
    }
    return [...this.#leaving.values()].slice(0, REKEY_DEPARTURES);
  }

  /** Verifies who showed up, and lets in whom the group does. */
  async #receive(): Promise<void> {
    this.#gone.clear();
    const { admitted: present, refused } = await this.#reception.judge();
    for (const { address, error } of refused) this.#refuse(address, error);
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
  async #deliver({ prepared, sealed }: Outgoing): Promise<void> {
    const { relay } = this.#session.parts;
    const { token, placements } = prepared;
    const sealedKey = { token: sealed.token, encrypted: sealed.encrypted };
    const upload = { token, sealed_key: sealedKey, placements: [...placements] };
    await untilSent(this.#session, () => relay.rekey(upload));
  }

  #commit({ prepared, sealed, arrivals, left }: Outgoing): void {
    const { events, parts } = this.#session;
    this.host.commit(prepared);
    this.#session.follow({ ...prepared, device: parts.device.id });
    this.#session.hold(sealed.key, 'self');
    for (const { newcomer, code } of prepared.refused) {
      const address = arrivals.get(newcomer.device_id)?.participant.address;
      events.push({ type: 'participant_refused', address: address ?? newcomer.device_id, code });
    }
    for (const { iss, sub, device_id: deviceId, reason } of left) {
      this.#leaving.delete(deviceId);
      if (!this.#present.delete(deviceId)) continue;
      events.push({ type: 'left', iss, sub, deviceId, reason });
    }
    for (const { device_id } of prepared.claims.change.joined) {
      const participant = arrivals.get(device_id)?.participant;
      if (participant === undefined) continue;
      this.#present.set(device_id, participant);
      const { iss, sub, deviceId } = participant;
      events.push({ type: 'joined', iss, sub, deviceId, participant });
    }
  }

  #refuse(address: string, { code }: CountersignError): void {
    this.#session.events.push({ type: 'participant_refused', address, code });
  }

  /** What nobody waits for. That another admin took over comes by the stream as well, with the proof of it. */
  #failed(error: unknown): void {
    if (this.#session.closing.aborted || isCountersignError(error, 'conflict')) return;
    this.#session.refuse(error);
  }
}
