import { encodeBase64url } from '../base64url.ts';
import { isCountersignError } from '../errors.ts';
import type { Sha256 } from '../tlog/merkle.ts';
import { type CloudEventOf, type CopiedEvent, type CopiedLine, readCopiedLine } from './copied-line.ts';
import type { EventProof } from './event-proof.ts';

/** A copy of the event log, or of a part of it, as it is read line by line. Nothing of it is verified. */
export class EventCopy {
  readonly #sha256: Sha256 | undefined;
  readonly #cloudEventOf: CloudEventOf | undefined;
  readonly #events = new Map<number, CopiedEvent[]>();
  readonly #listed = new Map<number, string>();
  readonly #proofs: EventProof[] = [];
  readonly #brought = new Set<EventProof>();
  /** Lines that are no event, from 1. */
  readonly unreadable: number[] = [];
  /** Whose events CloudEvents say that they are, and the lines. */
  readonly sources = new Map<string, number[]>();
  #lines = 0;

  /** @param cloudEventOf - without it CloudEvents are unreadable: nobody can tell what they say beside the event */
  constructor(sha256?: Sha256, cloudEventOf?: CloudEventOf) {
    this.#sha256 = sha256;
    this.#cloudEventOf = cloudEventOf;
  }

  /** Takes a line, without its end. Events may come repeatedly and in any order, as deliveries do. */
  add(line: string): void {
    this.#lines += 1;
    if (line.trim() === '') return;
    try {
      this.#take(readCopiedLine(line, this.#sha256, this.#cloudEventOf));
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      this.unreadable.push(this.#lines);
    }
  }

  addProof(proof: EventProof): void {
    this.#proofs.push(proof);
  }

  /** What somebody says that the hashes of the events from `from` on are. */
  addHashes(from: number, hashes: readonly Uint8Array[]): void {
    for (const [index, hash] of hashes.entries()) this.#listed.set(from + index, encodeBase64url(hash));
  }

  get proofs(): readonly EventProof[] {
    return this.#proofs;
  }

  /** Whether the copy itself says by this proof which events it has, and nobody was asked for it. */
  brings(proof: EventProof): boolean {
    return this.#brought.has(proof);
  }

  /** Every `seq` of which the copy lists a hash apart from the event. */
  listed(): IterableIterator<[seq: number, hash: string]> {
    return this.#listed.entries();
  }

  /** Every `seq` of which there is an event, rising. */
  seqs(): number[] {
    return [...this.#events.keys()].sort((left, right) => left - right);
  }

  /** The events that say that they have this `seq`: more than one where they differ. */
  at(seq: number): readonly CopiedEvent[] {
    return this.#events.get(seq) ?? [];
  }

  /** The notes of checkpoints that stand in events. */
  *checkpoints(): Generator<NonNullable<CopiedEvent['checkpoint']>, void> {
    for (const events of this.#events.values()) {
      for (const { checkpoint } of events) if (checkpoint !== undefined) yield checkpoint;
    }
  }

  /** The hash that the copy lists for this event, apart from the event. */
  listedHash(seq: number): string | undefined {
    return this.#listed.get(seq);
  }

  /** The hash of this event as it says itself, or as the next one does. */
  ownHash(seq: number): string | undefined {
    const next = this.at(seq + 1)[0]?.prev;
    const here = this.at(seq);
    return (here.find(({ hash }) => hash === next) ?? here[0])?.hash ?? next;
  }

  #take(line: CopiedLine): void {
    switch (line.kind) {
      case 'proof':
        this.#brought.add(line.proof);
        this.addProof(line.proof);
        return;
      case 'hashes':
        this.addHashes(line.from, line.hashes);
        return;
      case 'event':
        this.#takeEvent(line.event);
    }
  }

  #takeEvent(event: CopiedEvent): void {
    const { source } = event;
    if (source !== undefined) this.#linesOf(source).push(this.#lines);
    const known = this.at(event.seq);
    const same = ({ computed, hash }: CopiedEvent) => computed === event.computed && hash === event.hash;
    if (!known.some(same)) this.#events.set(event.seq, [...known, event]);
  }

  #linesOf(source: string): number[] {
    const lines = this.sources.get(source) ?? [];
    this.sources.set(source, lines);
    return lines;
  }
}
