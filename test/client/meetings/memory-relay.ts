import { createBell } from '../../../bridge/lib/bell.ts';
import type { MeetingRelay, RelayEvent } from '../../../client/meetings/relay.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { endOfEvidence, type SignerEvidence } from '../../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import type {
  FirstPresence,
  MeetingState,
  RekeyUpload,
  RosterParticipant,
} from '../../../protocol/meetings/api.ts';
import { claimedRekey, type Joined } from '../../../protocol/meetings/rekey-message.ts';

type SealedUpload = NonNullable<RekeyUpload['sealed_key']>;
type Unnumbered<Event> = Event extends RelayEvent ? Omit<Event, 'seq'> : never;
type Told = Unnumbered<RelayEvent>;

interface Entry {
  readonly to: 'all' | 'admins' | { readonly deviceId: string };
  readonly event: Told;
}

type Failing = 'state' | 'rekey' | 'renew' | 'stream';

/** Whose relay it is. */
export interface Attendant {
  readonly deviceId: string;
  readonly iss: string;
  readonly sub: string;
  readonly admin: boolean;
  evidence(): Promise<SignerEvidence>;
}

/** What a dishonest relay does with the events of one listener: leaves out, repeats, makes up. */
export type Lie = (event: RelayEvent, attendant: Attendant) => readonly RelayEvent[];

/** The bridges of one meeting, without bridges: it carries what it is given, to whom it should, unless it lies. */
export interface MemoryMeeting {
  relayFor(attendant: Attendant): MeetingRelay;
  /** In force for streams from now on; null: honest again. */
  lie(lie: Lie | null): void;
  /** Everybody's streams break off. */
  breakStreams(): void;
  /** What was told so far is not kept any more for this device. */
  prune(deviceId: string): void;
  /** Nothing gets through until the function that it answers is called. */
  cutOff(): () => void;
  /** The next request of this kind fails: before anything is done, or after it was. */
  failOnce(request: Failing, error: CountersignError, when?: 'before' | 'after'): void;
  tell(event: Told, to?: Entry['to']): void;
  /** What everybody is told of the state from now on. */
  pretend(state: MeetingState): void;
  /** What the host uploaded, in order. */
  readonly uploads: RekeyUpload[];
  /** Evidence that comes with the state besides the host's. */
  readonly signers: SignerEvidence[];
  /** The host's admission statements; the last one is shown with the state. */
  readonly admissions: string[];
  readonly shown: RosterParticipant[];
  sealed(keyId: string): SealedUpload | undefined;
  /** Puts another sealed key in the place of one. */
  swap(keyId: string, sealed: SealedUpload): void;
  /** How many streams are open. */
  readonly listening: number;
}

export function createMemoryMeeting(): MemoryMeeting {
  const log: Entry[] = [];
  const bell = createBell();
  const uploads: RekeyUpload[] = [];
  const shown: RosterParticipant[] = [];
  const signers: SignerEvidence[] = [];
  const keys = new Map<string, SealedUpload>();
  const admissions: string[] = [];
  const leaves = new Map<number, Joined>();
  let streams = new AbortController();
  let sender: Attendant | null = null;
  let pretended: MeetingState | null = null;
  let lying: Lie | null = null;
  const pruned = new Map<string, number>();
  let off = false;
  let listening = 0;
  const failures = new Map<
    Failing,
    { readonly error: CountersignError; readonly when: 'before' | 'after' }
  >();

  function tell(event: Told, to: Entry['to'] = 'all'): void {
    log.push({ to, event });
    bell.ring();
  }

  function reach(): void {
    if (off) throw new CountersignError('bridge_unreachable');
  }

  function failIfDue(request: Failing, when: 'before' | 'after'): void {
    const failure = failures.get(request);
    if (failure?.when !== when) return;
    failures.delete(request);
    throw failure.error;
  }

  function accept(upload: RekeyUpload, by: Attendant): void {
    const newest = uploads.at(-1)?.token;
    if (newest === upload.token) return;
    const { claims } = claimedRekey(upload.token);
    const head = newest === undefined ? null : sha256Base64url(newest);
    if (claims.prev !== head) throw new CountersignError('conflict');
    uploads.push(upload);
    // One who comes later reads from there on, and not back.
    keys.clear();
    if (claims.key_id !== null && upload.sealed_key !== undefined) keys.set(claims.key_id, upload.sealed_key);
    if (upload.admission !== undefined) admissions.push(upload.admission);
    sender = by;
    for (const leaf of claims.change.left) leaves.delete(leaf);
    if (newest !== undefined && claimedRekey(newest).claims.term < claims.term) leaves.clear();
    for (const joined of claims.change.joined) leaves.set(joined.leaf, joined);
    const rekey = sha256Base64url(upload.token);
    for (const { device_id: deviceId, box } of upload.placements) {
      tell({ event: 'placement', rekey, box }, { deviceId });
    }
    tell({ event: 'rekey', token: upload.token, admission: upload.admission });
  }

  function isFor(to: Entry['to'], { deviceId, admin }: Attendant): boolean {
    return to === 'all' || (to === 'admins' ? admin : to.deviceId === deviceId);
  }

  return {
    uploads,
    signers,
    admissions,
    shown,
    get listening() {
      return listening;
    },
    sealed: (keyId) => keys.get(keyId),
    swap: (keyId, sealed) => void keys.set(keyId, sealed),
    lie: (lie) => {
      lying = lie;
    },
    breakStreams() {
      streams.abort();
      streams = new AbortController();
    },
    prune: (deviceId) => void pruned.set(deviceId, log.length),
    cutOff() {
      off = true;
      this.breakStreams();
      return () => {
        off = false;
      };
    },
    failOnce: (request, error, when = 'before') => void failures.set(request, { error, when }),
    tell,
    pretend(state) {
      pretended = state;
    },
    relayFor: (attendant) => ({
      async state() {
        reach();
        failIfDue('state', 'before');
        if (pretended !== null) return pretended;
        const rekey = uploads.at(-1)?.token ?? null;
        return {
          rekey,
          key_id: rekey === null ? null : claimedRekey(rekey).claims.key_id,
          signers: [...signers, ...(sender === null ? [] : [await sender.evidence()])],
          seq: log.length,
          ...(admissions.length === 0 ? {} : { admission: admissions.at(-1) }),
        };
      },
      async rekey(upload) {
        reach();
        failIfDue('rekey', 'before');
        accept(upload, attendant);
        failIfDue('rekey', 'after');
      },
      async renew(renewal) {
        reach();
        failIfDue('renew', 'before');
        const { deviceId: device_id } = attendant;
        const before = shown.findLast((each) => each.device_id === device_id);
        if (before === undefined) throw new CountersignError('presence_mismatch');
        const evidence = await attendant.evidence();
        shown.push({ device_id, proof: before.proof, renewal, ...evidence });
        return endOfEvidence(evidence);
      },
      async present(evidence: FirstPresence) {
        reach();
        const participant = { device_id: attendant.deviceId, ...evidence };
        shown.push(participant);
        tell({ event: 'presence', ...participant }, 'admins');
      },
      async leave() {
        reach();
        const { deviceId, iss, sub } = attendant;
        tell({ event: 'left', device_id: deviceId, iss, sub, reason: 'left' }, 'admins');
      },
      async members(after = -1) {
        reach();
        const members = [...leaves.values()]
          .filter(({ leaf }) => leaf > after)
          .sort((left, right) => left.leaf - right.leaf)
          .map(({ placement: _box, ...member }) => member);
        const newest = uploads.at(-1)?.token;
        return { rekey: newest === undefined ? null : sha256Base64url(newest), members };
      },
      async roster(deviceIds) {
        reach();
        const of = (id: string) => shown.findLast(({ device_id }) => device_id === id);
        return { participants: deviceIds.map(of).filter((each) => each !== undefined) };
      },
      async *stream(since, signal) {
        reach();
        failIfDue('stream', 'before');
        if (since < (pruned.get(attendant.deviceId) ?? 0)) throw new CountersignError('meeting_missed');
        const until = AbortSignal.any([signal, streams.signal]);
        listening += 1;
        try {
          for (let next = since; ; ) {
            const heard = bell.rings;
            const entry = log[next];
            if (until.aborted) throw new CountersignError('bridge_unreachable');
            if (entry === undefined) {
              await bell.wait(heard, 60_000, until);
              continue;
            }
            next += 1;
            if (!isFor(entry.to, attendant)) continue;
            const event = { ...entry.event, seq: next } as RelayEvent;
            yield* lying?.(event, attendant) ?? [event];
          }
        } finally {
          listening -= 1;
        }
      },
    }),
  };
}
