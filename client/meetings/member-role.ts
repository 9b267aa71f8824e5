import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { MeetingMember, type ReceivedRekey } from '../../protocol/meetings/member-tree.ts';
import { statementOf } from './admission-statements.ts';
import { type AdmissionWatch, createAdmissionWatch } from './admission-watch.ts';
import { assertAdmitted } from './candidates.ts';
import { createGathering, type Gathering } from './gathering.ts';
import { assertKeyOf, assertNotBack, NO_MESSAGE, OUT } from './head-checks.ts';
import type { KeyFallback } from './meeting.ts';
import { readNewest } from './newest-message.ts';
import { showPresence } from './own-presence.ts';
import type { SignedMessage } from './senders.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** Who has no place yet waits this long for it before the sealed key of a new epoch is opened: mostly it comes. */
const PLACE_MS = 500;
/** Seconds after which a proof that brought no place is made anew: it lives for two minutes. */
const PRESENCE_AGAIN = 60;
/** How often the newest sealed key is asked for when a newer one takes its place meanwhile. */
const OPENINGS = 5;

export interface MemberRole {
  readonly kind: 'member';
  readonly member: MeetingMember;
  /** Address of the host; null before the first message. */
  readonly host: string | null;
  /** Devices whose admission this one has not checked itself. */
  readonly unchecked: number;
  /**
   * Where the relay stands now: opens the newest key, where one is sealed to the group, and proves this device's presence.
   * Answers the relay's seq. Throws `AdmissionRefusedError` where the own company tells what keeps this person out.
   */
  enter(): Promise<number>;
  /** A message from the relay, with its seq, and the admission statement that came with it. */
  rekeyed(
    message: { readonly token: string; readonly admission?: string | undefined },
    seq: number,
  ): Promise<void>;
  placed(hash: string, box: string): Promise<void>;
  /** The group has other admins now. */
  setAdmins(admins: readonly string[]): void;
  close(): Promise<void>;
}

/** Follows the host's messages: by the tree where this device has a place, by the sealed key where it has none. */
export function createMemberRole(session: Session): MemberRole {
  return new Following(session);
}

class Following implements MemberRole {
  readonly kind = 'member';
  readonly member: MeetingMember;
  readonly #session: Session;
  readonly #opening: Gathering;
  readonly #watch: AdmissionWatch;
  #host: string | null = null;
  /** What the relay had told when the state was read: messages up to there are known. */
  #known = 0;
  #shown = 0;
  #hasPlace = false;
  /** A message names a place of this device. */
  #announced = false;

  constructor(session: Session) {
    const { group, device, self } = session.parts;
    this.#session = session;
    this.member = new MeetingMember({
      ...{ group: group.group, iss: group.iss, admins: group.facts.admins.map(({ sub }) => sub) },
      self: { iss: self.iss, sub: self.sub, device_id: device.id },
    });
    this.#watch = createAdmissionWatch(session, this.member);
    this.#opening = createGathering(
      PLACE_MS,
      () => this.#settle(),
      (error) => this.#failed(error),
    );
  }

  get host(): string | null {
    return this.#host;
  }

  get unchecked(): number {
    return this.#watch.unchecked;
  }

  setAdmins(admins: readonly string[]): void {
    this.member.setAdmins(admins);
  }

  async enter(): Promise<number> {
    for (let openings = 1; ; openings += 1) {
      const { message, seq } = await readNewest(this.#session);
      if (message === null) throw new CountersignError('rekey_gap', 'the meeting has not begun');
      assertNotBack(message, this.#session.head);
      const { key_id: keyId } = message.claims;
      let key: Uint8Array | null = null;
      try {
        if (keyId === null) await this.#assertAdmitted();
        else key = await this.#open(message, keyId);
      } catch (error) {
        // A newer epoch's key took its place since.
        if (isCountersignError(error, 'sealed_key_unknown') && openings < OPENINGS) continue;
        throw error;
      }
      this.#known = seq;
      await this.#restartAt(message, key);
      return seq;
    }
  }

  async rekeyed(
    { token, admission }: { token: string; admission?: string | undefined },
    seq: number,
  ): Promise<void> {
    if (seq <= this.#known) return;
    try {
      await this.#receive(await this.#session.senders.verify(token), admission);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      if (error.code === 'rekey_gap') return this.#fallBack('gap', error);
      this.#failed(error);
      if (!NO_MESSAGE.has(error.code) && !this.#session.closing.aborted) await this.#fallBack('rekey', error);
    }
  }

  async placed(hash: string, box: string): Promise<void> {
    try {
      const placed = await this.member.place(hash, box);
      if (placed !== null) this.#holdFromTree(placed.key);
      this.#tellPlace();
    } catch (error) {
      this.#session.refuse(error);
      if (isCountersignError(error, 'rekey_mismatch')) await this.#fallBack('placement', error);
    }
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#opening.close();
  }

  async #receive(message: SignedMessage, shown: string | undefined): Promise<void> {
    const received = await this.member.receive(message);
    this.#session.follow(message);
    await this.#adopt(message, shown);
    this.#host = message.sender.address;
    this.#tellChange(received);
    if (received.isNewTerm) {
      this.#session.events.push({ type: 'taken_over', term: received.term, by: message.sender.address });
    }
    if (received.joined.some(({ device_id }) => device_id === this.#session.parts.device.id)) {
      this.#announced = true;
    }
    if (received.key !== null) this.#holdFromTree(received.key);
    this.#tellPlace();
    if (this.member.status === 'placed') return;
    if (this.member.status === 'departed' || received.isNewTerm) {
      if (message.claims.v === 2) await this.#assertAdmitted();
      await this.#openIfBehind('not_placed');
      await this.#present();
      return;
    }
    if (this.#session.parts.context.now() - this.#shown > PRESENCE_AGAIN) await this.#present();
    this.#opening.soon();
  }

  /** The message stands without its statement, but no key of it is used. */
  async #adopt(message: SignedMessage, shown: string | undefined): Promise<void> {
    try {
      this.#session.admit(await statementOf(this.#session, message, shown));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Throws `AdmissionRefusedError`. */
  async #assertAdmitted(): Promise<void> {
    const { admission, parts } = this.#session;
    if (admission !== null) await untilSent(this.#session, () => assertAdmitted(parts, admission));
  }

  async #open(message: SignedMessage, keyId: string): Promise<Uint8Array> {
    const opened = await untilSent(this.#session, () => this.#session.parts.group.open(keyId));
    assertKeyOf(message, opened);
    return opened.key;
  }

  /** The newest message counts as the first; a place that was had is lost with what came before. */
  async #restartAt(message: SignedMessage, key: Uint8Array | null): Promise<void> {
    const isKnown = this.#session.head?.hash === message.hash;
    const before = this.#host;
    await this.member.restart();
    await this.member.receive(message);
    this.#hasPlace = false;
    this.#host = message.sender.address;
    const { term } = message.claims;
    const isNewTerm = this.#session.head !== null && this.#session.head.claims.term < term;
    this.#session.follow(message);
    if (isNewTerm && before !== null) {
      this.#session.events.push({ type: 'taken_over', term, by: message.sender.address });
    }
    const hasKey = isKnown && this.#session.key?.epoch === message.claims.epoch;
    if (!hasKey && key !== null) this.#session.hold(key, 'sealed_key');
    await this.#present();
  }

  async #fallBack(reason: KeyFallback, { code }: CountersignError): Promise<void> {
    this.#session.events.push({ type: 'fallback', reason, code });
    try {
      await this.enter();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** No place came in time: the key without it; and where the host gave one that did not come, another proof. */
  async #settle(): Promise<void> {
    if (this.member.status === 'placed') return;
    const isLost = this.#announced;
    await this.#openIfBehind(isLost ? 'placement' : 'not_placed');
    if (isLost) await this.#present();
  }

  /** The key of the newest message, where the tree has not brought it. */
  async #openIfBehind(reason: KeyFallback): Promise<void> {
    const { head, key, parts, events } = this.#session;
    if (head === null || head.claims.key_id === null || key?.epoch === head.claims.epoch) return;
    const { key_id: keyId } = head.claims;
    events.push({ type: 'fallback', reason, code: null });
    try {
      const opened = await untilSent(this.#session, () => parts.group.open(keyId));
      assertKeyOf(head, opened);
      if (this.#session.head === head && this.#session.key?.epoch !== head.claims.epoch) {
        this.#session.hold(opened.key, 'sealed_key');
      }
    } catch (error) {
      // The message of the newer epoch is on its way.
      if (!isCountersignError(error, 'sealed_key_unknown')) this.#failed(error);
    }
  }

  #holdFromTree(key: Uint8Array): void {
    const { head, admission } = this.#session;
    if (head?.claims.v === 2) {
      const { term, epoch } = head.claims;
      const isKnown = admission?.hash === head.claims.admission && this.#host !== null;
      if (isKnown) this.#watch.offer({ term, epoch, key }, this.#host ?? '');
      return;
    }
    const known = this.#session.key;
    if (known !== null && known.epoch === head?.claims.epoch) {
      if (equalBytes(known.key, key)) return;
      throw new CountersignError('rekey_mismatch', 'the tree and the sealed key bring different keys');
    }
    this.#session.hold(key, 'tree');
  }

  #tellChange({ joined, left }: ReceivedRekey): void {
    const { events } = this.#session;
    for (const { iss, sub, device_id: deviceId } of left) {
      events.push({ type: 'left', iss, sub, deviceId, reason: null });
    }
    for (const { iss, sub, device_id: deviceId } of joined) {
      events.push({ type: 'joined', iss, sub, deviceId, participant: null });
    }
  }

  #tellPlace(): void {
    const hasPlace = this.member.status === 'placed';
    if (hasPlace && !this.#hasPlace) {
      this.#session.events.push({ type: 'placed', epoch: this.member.head?.claims.epoch ?? 0 });
    }
    this.#hasPlace = hasPlace;
    if (hasPlace) this.#announced = false;
  }

  async #present(): Promise<void> {
    const claims = this.member.head?.claims;
    if (claims === undefined) return;
    this.#announced = false;
    this.#shown = this.#session.parts.context.now();
    await showPresence(this.#session, claims, (ephemeral) => this.member.expectPlacement(ephemeral));
  }

  /** Who may not have the key any more is out of the meeting; anything else may pass with the next message. */
  #failed(error: unknown): void {
    if (this.#session.closing.aborted) return;
    if (isCountersignError(error) && OUT.has(error.code)) this.#session.close(error);
    else this.#session.refuse(error);
  }
}
