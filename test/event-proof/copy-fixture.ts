import { cloudEventOf } from '../../bridge/cli/event-copy.ts';
import { type EventInput, eventHash, type StoredEvent } from '../../bridge/events/event.ts';
import { logNoteSigner } from '../../bridge/tlog/note-signer.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { formatHashesLine, formatProofLine } from '../../protocol/events/copied-line.ts';
import { EventCopy } from '../../protocol/events/event-copy.ts';
import type { EventProof } from '../../protocol/events/event-proof.ts';
import type { LogTrust } from '../../protocol/events/signed-checkpoints.ts';
import { type CopyReport, type VerifyOptions, verifyEventCopy } from '../../protocol/events/verify-copy.ts';
import { checkpointNote, eventLogOrigin, signCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { CompactRange } from '../../protocol/tlog/compact-range.ts';
import { eventLogVerifierKeys } from '../../protocol/tlog/log-keys.ts';
import { hashLeaf } from '../../protocol/tlog/merkle.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

/** What a copy without fault has none of. */
export const FOUND = {
  ...{ shortened: [], altered: [], missing: [], added: [], contradicted: [], unreadable: [], forked: [] },
  ...{ beside: [], tests: 0 },
};

type Line = object | string;

/** A log of 14 events, and copies of it. */
export interface CopyFixture {
  readonly fixture: EventProofFixture;
  /** 1 to 5, the checkpoint of 5, 7 to 11, the checkpoint of 11, 13 and 14. */
  readonly events: readonly StoredEvent[];
  /** Of 3 to 10. */
  readonly proof: EventProof;
  verify(
    copied: readonly Line[],
    options?: VerifyOptions & { trust?: Partial<LogTrust> },
  ): Promise<CopyReport>;
  /** All events, one of them altered. */
  altered(seq: number): StoredEvent[];
  /** The events 3 to 10. */
  part(of?: readonly StoredEvent[]): StoredEvent[];
  /** What an export of 3 to 10 has. */
  exported(copied: readonly object[]): Line[];
  /** What the keeper of the key signs for a log of 8 events that begins with these. */
  signed8(of: readonly StoredEvent[]): Promise<string>;
  /** An export of a log of 8 events, its proof signed. */
  exported8(of: readonly StoredEvent[]): Promise<Line[]>;
}

/** @param lookedUp - addresses that the third event was a look-up of */
export async function copyFixture(lookedUp: readonly string[] = []): Promise<CopyFixture> {
  const fixture = await eventProofFixture();
  if (lookedUp.length === 0) await fixture.reportSigned(5);
  else {
    await fixture.report(2);
    await fixture.database.transaction((tx) => fixture.log.append(tx, lookUpOf(lookedUp)));
    await fixture.reportSigned(2);
  }
  await fixture.reportSigned(5);
  await fixture.report(2);
  const events = await fixture.events();
  const proof = await fixture.proofs.prove({ from: 3, to: 10 });
  const trust: LogTrust = {
    origin: eventLogOrigin(ISS),
    logKeys: eventLogVerifierKeys(fixture.signer.onlineKeys()),
  };
  const part = (of: readonly StoredEvent[] = events) => of.filter(({ seq }) => seq >= 3 && seq <= 10);

  async function signed8(of: readonly StoredEvent[]): Promise<string> {
    const origin = eventLogOrigin(ISS);
    const range = new CompactRange();
    for (const { hash } of of.slice(0, 8)) range.appendLeaf(hashLeaf(decodeBase64url(hash)));
    const checkpoint = { origin, size: 8, root: range.root() };
    const signer = logNoteSigner(fixture.signer, origin, 'events');
    return checkpointNote(checkpoint, [await signCheckpoint(signer, checkpoint)]);
  }

  return {
    ...{ fixture, events, proof, part, signed8 },
    async verify(copied, options = {}) {
      const copy = new EventCopy({ ...trust, ...options.trust }, { cloudEventOf });
      for (const line of copied) await copy.add(typeof line === 'string' ? line : JSON.stringify(line));
      return verifyEventCopy(copy, options);
    },
    altered: (seq) =>
      events.map((event) => (event.seq === seq ? { ...event, subject: { sub: 'somebody else' } } : event)),
    exported: (copied) => [formatProofLine(proof), ...copied, hashesOf(part())],
    async exported8(of) {
      const whole = { ...proof, from: 1, to: 8, before: [], after: [], checkpoint: await signed8(of) };
      return [formatProofLine(whole), ...of.slice(0, 8), hashesOf(of.slice(0, 8))];
    },
  };
}

/** What an export says that the hashes of these events are. */
export function hashesOf(events: readonly StoredEvent[]): string {
  const hashes = events.map(({ hash }) => hash);
  return formatHashesLine(events[0]?.seq ?? 1, hashes);
}

/** Events of the copy from this one on, linked anew: who alters one and hides it. */
export function relinked(changed: readonly StoredEvent[], from: number): StoredEvent[] {
  let prev = changed.find(({ seq }) => seq === from - 1)?.hash ?? '';
  return changed.map((event) => {
    if (event.seq < from) return event;
    const { hash: _old, ...rest } = { ...event, prev };
    prev = eventHash(rest);
    return { ...rest, hash: prev };
  });
}

function lookUpOf(addresses: readonly string[]): EventInput {
  const counts = { credential: 0, revoked: 0, revoked_pending: 0, not_found: addresses.length, refused: 0 };
  return {
    ...{ type: 'look_up.answered', actor: { kind: 'person', sub: 'p' }, outcome: 'success' },
    data: { asked: addresses.length, addresses: [...addresses], ...counts },
  };
}
