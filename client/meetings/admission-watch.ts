import type { AdmissionStatement } from '../../protocol/meetings/admission.ts';
import { ADMISSION_CHECKS, ROSTER_DEVICES } from '../../protocol/meetings/limits.ts';
import type { MeetingMember } from '../../protocol/meetings/member-tree.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import { pause } from '../waiting.ts';
import { type Candidate, candidateOf, judgeCandidates } from './candidates.ts';
import { drawChecks } from './drawn-checks.ts';
import { judgeDevices } from './judge-devices.ts';
import type { AdmissionShortfall, EpochKey, MeetingEvent } from './meeting.ts';
import { listMembers } from './roster.ts';
import { asOurs, type Head, type Session } from './session.ts';

/**
 * Holds a member's keys back until those who have them too were checked under the admission policy: everybody in
 * meetings of up to `ADMISSION_CHECKS` devices; in larger ones each newcomer with the chance of that number in the size.
 */
export interface AdmissionWatch {
  /** Devices that were not drawn. */
  readonly unchecked: number;
  /** The tree brought this key; `host` is the address of who made it. */
  offer(key: EpochKey, host: string): void;
  close(): Promise<void>;
}

type Refusal = Omit<Extract<MeetingEvent, { type: 'participant_refused' }>, 'type'>;
type Verdict = 'admitted' | 'unchecked' | Refusal;

interface Offered extends EpochKey {
  readonly host: string;
}

type AdmittingHead = Head & { readonly admission: AdmissionStatement };

export function createAdmissionWatch(session: Session, member: MeetingMember): AdmissionWatch {
  return new Watching(session, member);
}

class Watching implements AdmissionWatch {
  readonly #session: Session;
  readonly #member: MeetingMember;
  /** Under the statement of this hash, by device id. */
  #verdicts = new Map<string, Verdict>();
  #under: string | undefined;
  #offered: Offered | null = null;
  #running: Promise<void> | null = null;
  #waking = new AbortController();
  #isClosed = false;

  constructor(session: Session, member: MeetingMember) {
    this.#session = session;
    this.#member = member;
  }

  get unchecked(): number {
    return [...this.#verdicts.values()].filter((verdict) => verdict === 'unchecked').length;
  }

  offer(key: EpochKey, host: string): void {
    this.#offered = { ...key, host };
    this.#waking.abort();
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#offered = null;
    this.#waking.abort();
    await this.#running;
  }

  /** The newest key alone counts; while somebody keeps it back it is looked again, with growing pauses. */
  async #run(): Promise<void> {
    const { closing, parts } = this.#session;
    const { firstMs, longestMs } = parts.context.polling;
    let pauseMs = firstMs;
    let told: Offered | null = null;
    while (this.#offered !== null && !closing.aborted) {
      this.#waking = new AbortController();
      const found = await this.#findClean();
      if (typeof found === 'object') {
        if (found === this.#offered) this.#offered = null;
        this.#use(found);
        pauseMs = firstMs;
        continue;
      }
      if (this.#waking.signal.aborted) continue;
      if (found === 'refused' && told !== this.#offered) this.#tellRefused();
      if (found === 'refused') told = this.#offered;
      await pause(pauseMs, AbortSignal.any([closing, this.#waking.signal])).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestMs);
    }
  }

  /**
   * The key that was newest when this began, if nobody has it who is not admitted. What cannot be looked up is `refused`
   * too; `moved`: a message is being received right now, and has changed the head or the members and not yet the rest.
   */
  async #findClean(): Promise<Offered | 'refused' | 'moved'> {
    try {
      if (this.#member.members === null) {
        await listMembers(this.#session, (members) => this.#member.adoptMembers(members));
      }
      const { head, admission } = this.#session;
      const offered = this.#offered;
      if (head?.claims.v !== 2 || head.hash !== this.#member.head?.hash) return 'moved';
      if (offered?.epoch !== head.claims.epoch || admission?.hash !== head.claims.admission) return 'moved';
      await this.#check({ ...head, admission }, offered.host);
      const isClean = [...this.#verdicts.values()].every((verdict) => typeof verdict === 'string');
      return isClean ? offered : 'refused';
    } catch (error) {
      if (!this.#session.closing.aborted) this.#session.refuse(asOurs(error));
      return 'refused';
    }
  }

  #use({ term, epoch, key }: Offered): void {
    if (this.#isClosed || this.#session.closing.aborted) return;
    this.#session.hold(key, 'tree', { term, epoch });
  }

  #tellRefused(): void {
    if (this.#offered === null) return;
    const { term, epoch } = this.#offered;
    this.#session.events.push({ type: 'key_refused', term, epoch });
  }

  async #check({ claims, device, admission }: AdmittingHead, hostAddress: string): Promise<void> {
    if (this.#under !== admission.hash) this.#verdicts = new Map();
    this.#under = admission.hash;
    const own = this.#session.parts.device.id;
    const present = (this.#member.members ?? []).filter(({ device_id }) => device_id !== own);
    this.#forgetOthers([device, ...present.map(({ device_id }) => device_id)]);
    const drawn = this.#draw(present);
    await this.#checkHost({ iss: claims.iss, sub: claims.sub, device_id: device }, hostAddress, admission);
    for (let start = 0; start < drawn.length; start += ROSTER_DEVICES) {
      await this.#checkDevices(drawn.slice(start, start + ROSTER_DEVICES), admission);
    }
  }

  #forgetOthers(devices: readonly string[]): void {
    const present = new Set(devices);
    for (const device of this.#verdicts.keys()) if (!present.has(device)) this.#verdicts.delete(device);
  }

  /** Whom to check now: those who were not admitted before, and of the others who are drawn. */
  #draw(present: readonly Device[]): Device[] {
    const isSmall = present.length <= ADMISSION_CHECKS;
    const verdictOf = ({ device_id }: Device) => this.#verdicts.get(device_id);
    const unknown = present.filter(
      (device) => verdictOf(device) === undefined || (isSmall && verdictOf(device) === 'unchecked'),
    );
    const { drawn, left } = drawChecks(unknown, present.length);
    for (const { device_id } of left) this.#verdicts.set(device_id, 'unchecked');
    return [...present.filter((device) => typeof verdictOf(device) === 'object'), ...drawn];
  }

  /** The host shows its presence after its first message; its name is known from the message. */
  async #checkHost(host: Device, address: string, admission: AdmissionStatement): Promise<void> {
    if (this.#verdicts.get(host.device_id) === 'admitted') return;
    const { parts } = this.#session;
    const [answer] = await parts.lookUp([address]);
    const candidate = candidateOf(answer, host, parts.context.now());
    if (candidate !== null) return this.#judge([[host.device_id, candidate]], admission);
    this.#refuse(host.device_id, { address, code: 'level_too_low', reasons: [] });
  }

  async #checkDevices(devices: readonly Device[], admission: AdmissionStatement): Promise<void> {
    const candidates: [string, Candidate][] = [];
    for (const { participant, candidate } of await judgeDevices(this.#session, devices)) {
      const { deviceId, code } = participant;
      if (candidate !== null) candidates.push([deviceId, candidate]);
      else this.#refuse(deviceId, { address: deviceId, code: code ?? 'bridge_invalid', reasons: [] });
    }
    await this.#judge(candidates, admission);
  }

  async #judge(
    candidates: readonly (readonly [string, Candidate])[],
    admission: AdmissionStatement,
  ): Promise<void> {
    const people = candidates.map(([, candidate]) => candidate);
    const judged = await judgeCandidates(this.#session.parts, admission, people);
    for (const [index, [device, { address }]] of candidates.entries()) {
      const reasons: readonly AdmissionShortfall[] = judged[index] ?? [];
      if (reasons.length === 0) this.#verdicts.set(device, 'admitted');
      else this.#refuse(device, { address, code: 'admission_refused', reasons });
    }
  }

  #refuse(device: string, refusal: Refusal): void {
    const before = this.#verdicts.get(device);
    this.#verdicts.set(device, refusal);
    if (JSON.stringify(before) === JSON.stringify(refusal)) return;
    this.#session.events.push({ type: 'participant_refused', ...refusal });
  }
}
