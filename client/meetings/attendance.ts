import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { AdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import type { Addition, Members } from '../groups/groups.ts';
import { createTurns } from '../turns.ts';
import { pause } from '../waiting.ts';
import { beginHosting } from './begin-hosting.ts';
import { meetingFingerprint } from './fingerprint.ts';
import type { HostRole } from './host-role.ts';
import type {
  EpochKey,
  HostedMeeting,
  MeetingAdmission,
  MeetingEvent,
  Participant,
  Parting,
} from './meeting.ts';
import { createMemberRole, type MemberRole } from './member-role.ts';
import { readNewest } from './newest-message.ts';
import { refreshGroup } from './refresh-group.ts';
import type { RelayEvent } from './relay.ts';
import { resume } from './resume.ts';
import { listMembers, readRoster } from './roster.ts';
import { rotationIf } from './rotation-if.ts';
import type { SignedMessage } from './senders.ts';
import { asOurs, type Session } from './session.ts';

/** How often a term is begun anew while others change the meeting. */
const TRIES = 3;

type Until = { readonly signal?: AbortSignal };

/** A device's part in a meeting, from the first key to the end: it hears the relay, as host or as member. */
export class Attendance implements HostedMeeting {
  readonly #session: Session;
  /** What comes from the relay, and what changes the role: one after the other. */
  readonly #turns = createTurns();
  #role: HostRole | MemberRole;
  #heard: Promise<void> = Promise.resolve();
  /** The bridge knows that it is over, for this device or for everybody: what is left to do can be tried again. */
  #over: 'left' | 'ended' | null = null;

  readonly notAdded: Addition['notAdded'];

  constructor(session: Session, role: HostRole | MemberRole, notAdded: Addition['notAdded']) {
    this.#session = session;
    this.notAdded = notAdded;
    this.#role = role;
  }

  /** Hears what the relay tells after `since`, until the session closes. */
  listen(since: number): void {
    this.#heard = this.#hear(since);
  }

  get iss(): string {
    return this.#session.parts.group.iss;
  }

  get group(): string {
    return this.#session.parts.group.group;
  }

  get label(): string {
    return this.#session.parts.group.facts.label;
  }

  get ends(): number {
    return this.#session.parts.group.facts.ends;
  }

  get role(): 'host' | 'member' {
    return this.#role.kind;
  }

  get admission(): MeetingAdmission | null {
    const { admission } = this.#session;
    if (admission === null) return null;
    const { version, policy } = admission.claims;
    return { version, policy, unchecked: this.#role.kind === 'member' ? this.#role.unchecked : 0 };
  }

  currentKey(): EpochKey {
    const { key } = this.#session;
    if (key === null) throw new CountersignError('admission_pending');
    return key;
  }

  keys({ signal }: Until = {}): AsyncGenerator<EpochKey, void> {
    const { keys, key } = this.#session;
    return keys.listen({ signal, first: key === null ? [] : [key] });
  }

  events({ signal }: Until = {}): AsyncGenerator<MeetingEvent, void> {
    return this.#session.events.listen({ signal });
  }

  async *roster(): AsyncGenerator<Participant, void> {
    const role = this.#role;
    const { head } = this.#session;
    if (head === null) return;
    const host: Device = { iss: head.claims.iss, sub: head.claims.sub, device_id: head.device };
    if (role.kind === 'host') {
      yield* readRoster(this.#session, [host, ...role.host.roster.members()], role.present);
      return;
    }
    const { member } = role;
    if (member.members === null) await listMembers(this.#session, (members) => member.adoptMembers(members));
    yield* readRoster(this.#session, [host, ...(member.members ?? [])]);
  }

  fingerprint(): string {
    const { head, parts } = this.#session;
    if (head === null) throw new CountersignError('internal', 'a meeting without a message');
    return meetingFingerprint(parts.group, head.hash);
  }

  takeOver(): Promise<HostedMeeting> {
    return this.#turns.take(async () => {
      if (this.#role.kind === 'host' && !this.#role.isStuck) return this;
      const { group, self } = this.#session.parts;
      const { admins } = await group.refresh();
      if (!admins.some(({ sub, address }) => sub === self.sub && address === self.address)) {
        throw new CountersignError('group_not_admin');
      }
      const { message } = await readNewest(this.#session);
      const role = await beginHosting(this.#session, message);
      await this.#role.close();
      this.#role = role;
      return this;
    });
  }

  add(who: Members): Promise<Addition> {
    return this.#asHost().add(who);
  }

  remove(address: string): Promise<void> {
    return this.#asHost().remove(address);
  }

  rekey(): Promise<void> {
    return this.#asHost().rekey();
  }

  setAdmission(policy: AdmissionPolicy): Promise<void> {
    return this.#asHost().setAdmission(policy);
  }

  async end({ rotateDevice = false }: Parting = {}): Promise<void> {
    const rotate = rotationIf(rotateDevice, this.#session.parts);
    if (this.#over !== 'ended') {
      this.#asHost();
      await this.#session.parts.group.end();
      this.#over = 'ended';
      await this.#close({ type: 'ended' });
    }
    await rotate();
  }

  async leave({ rotateDevice = false }: Parting = {}): Promise<void> {
    const rotate = rotationIf(rotateDevice, this.#session.parts);
    try {
      if (this.#over === null) await this.#session.parts.relay.leave();
      this.#over ??= 'left';
    } finally {
      await this.#close();
    }
    await rotate();
  }

  /** Resolves when nothing of this meeting runs any more. */
  async closed(): Promise<void> {
    await this.#heard;
    await this.#role.close();
  }

  #asHost(): HostRole {
    if (this.#session.closing.aborted)
      throw new CountersignError('aborted', 'this device has left the meeting');
    if (this.#role.kind === 'host') return this.#role;
    throw new CountersignError('conflict', 'another admin is the host of this meeting');
  }

  async #close(last?: MeetingEvent): Promise<void> {
    if (last !== undefined) this.#session.events.push(last);
    this.#session.close();
    await this.closed();
  }

  async #hear(since: number): Promise<void> {
    try {
      for (let from: number | null = since; from !== null; ) from = await this.#hearFrom(from);
    } catch (error) {
      this.#session.close(asOurs(error));
    }
    await this.#role.close();
  }

  /** To the end, null; or to where the relay does not keep any more what came next: from where to go on. */
  async #hearFrom(since: number): Promise<number | null> {
    const { parts, closing, events } = this.#session;
    const options = {
      ...{ since, signal: closing, pauses: parts.context.polling },
      onBreak: ({ code }: CountersignError) => events.push({ type: 'reconnecting', code }),
    };
    try {
      for await (const event of resume((from, signal) => parts.relay.stream(from, signal), options)) {
        await this.#turns.take(() => this.#handle(event));
      }
      return null;
    } catch (error) {
      if (!isCountersignError(error, 'meeting_missed')) throw error;
      events.push({ type: 'fallback', reason: 'gap', code: error.code });
      return this.#turns.take(() => this.#catchUp());
    }
  }

  /** Too much was missed. A host does not know who left meanwhile, so begins a term of its own anew. */
  async #catchUp(): Promise<number> {
    const role = this.#role;
    if (role.kind === 'member') return role.enter();
    await role.close();
    for (let tries = 1; ; tries += 1) {
      const { message: newest, seq } = await readNewest(this.#session);
      if (newest !== null && newest.claims.term > role.host.term) return this.#follow(role, newest);
      try {
        this.#role = await beginHosting(this.#session, newest);
        return seq;
      } catch (error) {
        // Another admin was faster.
        if (!isCountersignError(error, 'conflict') || tries === TRIES) throw error;
      }
    }
  }

  async #handle(event: RelayEvent): Promise<void> {
    if (this.#session.closing.aborted) return;
    const role = this.#role;
    switch (event.event) {
      case 'rekey':
        if (role.kind === 'member') return role.rekeyed(event, event.seq);
        return this.#hostHears(role, event.token);
      case 'placement':
        return role.kind === 'member' ? role.placed(event.rekey, event.box) : undefined;
      case 'presence': {
        const { seq: _seq, event: _name, ...shown } = event;
        return role.kind === 'host' ? role.presence(shown) : undefined;
      }
      case 'left':
        return role.kind === 'host' ? role.left(event) : undefined;
      case 'group':
        return this.#lookAtGroup();
      case 'ended':
        this.#over = 'ended';
        this.#session.events.push({ type: 'ended' });
        return this.#session.close();
      case 'place':
        return;
    }
  }

  async #hostHears(role: HostRole, token: string): Promise<void> {
    let takenOver: SignedMessage | null = null;
    try {
      takenOver = await role.rekeyed(token);
    } catch (error) {
      this.#session.refuse(error);
      if (isCountersignError(error, 'conflict')) await this.#catchUp();
    }
    if (takenOver === null) return;
    await this.#follow(role, takenOver);
  }

  /** Another admin is the host. Answers the relay's seq. */
  async #follow(role: HostRole, { sender, claims }: SignedMessage): Promise<number> {
    await role.close();
    this.#session.events.push({ type: 'taken_over', term: claims.term, by: sender.address });
    const member = createMemberRole(this.#session);
    this.#role = member;
    return member.enter();
  }

  async #lookAtGroup(): Promise<void> {
    const { senders, events } = this.#session;
    senders.forget();
    const facts = await refreshGroup(this.#session);
    if (facts === null) return this.#lookAgain();
    if (this.#role.kind === 'member') this.#role.setAdmins(facts.admins.map(({ sub }) => sub));
    else this.#role.regrouped();
    events.push({ type: 'group' });
  }

  #lookAgain(): void {
    const { parts, closing } = this.#session;
    pause(parts.context.polling.longestMs, closing)
      .then(() => this.#turns.take(() => this.#lookAtGroup()))
      .catch((error: unknown) => this.#session.close(asOurs(error)));
  }
}
