import { equalBytes } from '../bytes.ts';
import { isCountersignError } from '../errors.ts';
import { sha256 as portableSha256 } from '../hash.ts';
import { eventLogOrigin } from '../tlog/checkpoint.ts';
import { HASH_BYTES } from '../tlog/merkle.ts';
import {
  type CopiedEvent,
  type CopiedLine,
  type LineReading,
  readCopiedLine,
  type Surroundings,
} from './copied-line.ts';
import type { EventProof } from './event-proof.ts';
import { SeqRows } from './seq-rows.ts';
import { type LogTrust, type ProvenCheckpoint, SignedCheckpoints } from './signed-checkpoints.ts';
import { eventGenesisOf } from './test-event.ts';

/** A proof whose checkpoint the keys of the log have signed. */
export interface SignedProof {
  readonly proof: EventProof;
  readonly checkpoint: ProvenCheckpoint;
  /** Whether the copy itself says by it which events it has, and nobody was asked for it. */
  readonly brought: boolean;
}

/** What is kept of an event: its hash, the one before, and the content. */
export interface EventRow extends Pick<CopiedEvent, 'hash' | 'prev' | 'content'> {}

const CONTENTS = ['whole', 'altered', 'redacted', 'shortened'] as const;
const ROW_BYTES = 2 * HASH_BYTES + 1;

/**
 * A copy of the event log, or of a part of it, as it is read line by line. Of a million events it keeps some 75 MB: no
 * content, but where each stands and by which hashes. Nothing of it is verified but the signatures of its checkpoints.
 */
export class EventCopy {
  readonly trust: LogTrust;
  readonly signed: SignedCheckpoints;
  readonly proofs: SignedProof[] = [];
  /** Lines that are no event, or of another bridge, from 1. */
  readonly unreadable: number[] = [];
  /** Lines that carry an original and say something beside it that does not follow from it. */
  readonly beside: number[] = [];
  /** Whether an event had personal data taken out. */
  redacted = false;
  /** Whether an event says that a sink cut it. */
  shortened = false;
  /** Whether the copy came with a proof of its own, signed or not. */
  broughtProof = false;
  /** Events that say that they were sent to try the sink out: they stand in no log, and nothing signs them. */
  tests = 0;
  readonly #reading: LineReading;
  readonly #events = new SeqRows(ROW_BYTES);
  readonly #listed = new SeqRows(HASH_BYTES);
  /** Lines so far. */
  lines = 0;

  constructor(trust: LogTrust, reading: Omit<LineReading, 'sha256'> = {}) {
    this.trust = trust;
    this.signed = new SignedCheckpoints(trust);
    this.#reading = { ...reading, ...(trust.sha256 === undefined ? {} : { sha256: trust.sha256 }) };
  }

  /** Takes a line, without its end. Events may come repeatedly and in any order, as deliveries do. */
  async add(line: string): Promise<void> {
    this.lines += 1;
    if (line.trim() === '') return;
    try {
      await this.#take(readCopiedLine(line, this.#reading));
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      this.unreadable.push(this.lines);
    }
  }

  /** Takes a line that is too long for any that the bridge writes. */
  addUnreadable(): void {
    this.lines += 1;
    this.unreadable.push(this.lines);
  }

  /** Takes a proof that somebody was asked for. */
  async addProof(proof: EventProof, brought = false): Promise<void> {
    const checkpoint = await this.signed.open(proof.checkpoint);
    if (checkpoint !== undefined) this.proofs.push({ proof, checkpoint, brought });
  }

  /** What somebody says that the hashes of the events from `from` on are. */
  addHashes(from: number, hashes: readonly Uint8Array[]): void {
    for (const [index, hash] of hashes.entries()) this.#listed.add(from + index, hash);
  }

  /** Every `seq` of which there is an event, rising. */
  seqs(): Generator<number, void> {
    return this.#events.seqs();
  }

  /** The first event and the last one. */
  get range(): { readonly from: number; readonly to: number } | undefined {
    const { count } = this.#events;
    return count === 0 ? undefined : { from: this.#events.seqAt(0), to: this.#events.seqAt(count - 1) };
  }

  /** The events that say that they have this `seq`: more than one where they differ. */
  at(seq: number): readonly EventRow[] {
    return this.#events.at(seq).map(rowOf);
  }

  /** Every event, the last one first. */
  *falling(): Generator<EventRow & { readonly seq: number }, void> {
    for (let place = this.#events.count - 1; place >= 0; place--) {
      yield { seq: this.#events.seqAt(place), ...rowOf(this.#events.bytesAt(place)) };
    }
  }

  /** Every `seq` of which the copy lists a hash apart from the event, rising. */
  listed(): Generator<number, void> {
    return this.#listed.seqs();
  }

  /** The hash that the copy lists for this event, apart from the event. */
  listedHash(seq: number): Uint8Array | undefined {
    return this.#listed.at(seq).at(-1);
  }

  /** The hash of this event as it says itself, or as the next one does. */
  ownHash(seq: number): Uint8Array | undefined {
    const next = this.at(seq + 1)[0]?.prev;
    const here = this.at(seq);
    const fitting = next === undefined ? undefined : here.find(({ hash }) => equalBytes(hash, next));
    return (fitting ?? here[0])?.hash ?? next;
  }

  async #take(line: CopiedLine): Promise<void> {
    switch (line.kind) {
      case 'proof':
        this.broughtProof = true;
        return this.addProof(line.proof, true);
      case 'hashes':
        return this.addHashes(line.from, line.hashes);
      case 'test':
        return this.#takeTest(line);
      case 'event':
        return this.#takeEvent(line);
    }
  }

  #takeTest({ prev, ...around }: Extract<CopiedLine, { kind: 'test' }>): void {
    this.tests += 1;
    this.#judgeAround(around, equalBytes(prev, this.#genesis()));
  }

  async #takeEvent({ event, ...around }: Extract<CopiedLine, { kind: 'event' }>): Promise<void> {
    this.#judgeAround(around);
    if (event.content === 'redacted') this.redacted = true;
    if (event.content === 'shortened') this.shortened = true;
    const row = new Uint8Array(ROW_BYTES);
    row.set(event.hash);
    row.set(event.prev, HASH_BYTES);
    row[2 * HASH_BYTES] = CONTENTS.indexOf(event.content);
    this.#events.add(event.seq, row);
    const { checkpoint } = event;
    if (checkpoint !== undefined) await this.signed.add(checkpoint.note, checkpoint.subtrees);
  }

  #judgeAround({ source, host, faithful }: Surroundings, ours = true): void {
    const isOurs = ours && (source === undefined || this.#isOurs(source));
    if (!isOurs || (host !== undefined && host !== this.#host())) this.unreadable.push(this.lines);
    if (!faithful) this.beside.push(this.lines);
  }

  #isOurs(source: string): boolean {
    return source.startsWith('https://') && eventLogOrigin(source) === this.trust.origin;
  }

  /** What formats without a port say of the source. */
  #host(): string {
    return new URL(this.#iss()).hostname;
  }

  #genesis(): Uint8Array {
    return eventGenesisOf(this.#iss(), this.trust.sha256 ?? portableSha256);
  }

  #iss(): string {
    return `https://${this.trust.origin.slice(0, -eventLogOrigin('').length)}`;
  }
}

function rowOf(bytes: Uint8Array): EventRow {
  return {
    hash: bytes.subarray(0, HASH_BYTES),
    prev: bytes.subarray(HASH_BYTES, 2 * HASH_BYTES),
    content: CONTENTS[bytes[2 * HASH_BYTES] ?? 1] ?? 'altered',
  };
}
