import * as z from 'zod/mini';
import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { canonicalJson, type Json, labelled } from '../canonical-json.ts';
import { digest } from '../claims.ts';
import { CountersignError, isCountersignError } from '../errors.ts';
import { sha256 as portableSha256 } from '../hash.ts';
import { HASH_BYTES, type Sha256 } from '../tlog/merkle.ts';
import { type EventProof, eventProofSchema } from './event-proof.ts';
import { parseUnambiguousJson } from './unambiguous-json.ts';

/** An event in a copy of the log, as far as verification needs it. Nothing of it is verified. */
export interface CopiedEvent {
  readonly seq: number;
  readonly prev: string;
  /** What it says that its own hash is; base64url. */
  readonly hash: string;
  /** What its hash is. `null`: personal data was taken out of this copy, so that it cannot be told. */
  readonly computed: string | null;
  /** Whose event it is, as the CloudEvent says in which it stands. */
  readonly source?: string;
  /** Of `log.checkpointed`: the note, and the subtrees of its root. */
  readonly checkpoint?: { readonly note: string; readonly subtrees: readonly string[] };
}

/** The CloudEvent, as JSON, in which the bridge `source` sends this event. */
export type CloudEventOf = (event: object, source: string) => string;

/** What one line of a copy is. Exports carry a proof, and the hashes of their events once more. */
export type CopiedLine =
  | { readonly kind: 'event'; readonly event: CopiedEvent }
  | { readonly kind: 'proof'; readonly proof: EventProof }
  | { readonly kind: 'hashes'; readonly from: number; readonly hashes: readonly Uint8Array[] };

const seq = z.int().check(z.positive());

const eventSchema = z.looseObject({
  v: z.literal(1),
  seq,
  event_id: z.string(),
  type: z.string(),
  prev: digest,
  hash: digest,
  redaction: z.optional(z.enum(['drop', 'hmac'])),
  replay: z.optional(z.uuid()),
});

const checkpointSchema = z.looseObject({ checkpoint: z.string(), subtrees: z.array(digest) });
const cloudEventSchema = z.looseObject({ specversion: z.string(), source: z.string(), data: z.unknown() });
const enclosedSchema = z.looseObject({
  ...{ actor: z.looseObject({}), subject: z.looseObject({}), data: z.looseObject({}) },
});
const proofLine = z.strictObject({ event_proof: eventProofSchema });
const hashesLine = z.strictObject({ event_hashes: z.strictObject({ from: seq, hashes: z.string() }) });

/**
 * Reads a line of a copy: an event as `GET /v1/events`, the file sink and exports write it, alone or in a CloudEvent,
 * or what an export adds. Whatever can be read in the line must be hashed, or follow from what is. Throws `event_export` for anything else: formats of others do not hold all of an event.
 */
export function readCopiedLine(
  line: string,
  sha256: Sha256 = portableSha256,
  cloudEventOf?: CloudEventOf,
): CopiedLine {
  const value = parseUnambiguousJson(line);
  const proof = z.safeParse(proofLine, value);
  if (proof.success) return { kind: 'proof', proof: proof.data.event_proof };
  const hashes = z.safeParse(hashesLine, value);
  if (hashes.success) {
    const { from, hashes: text } = hashes.data.event_hashes;
    return { kind: 'hashes', from, hashes: splitHashes(decodeBase64url(text)) };
  }
  const cloudEvent = z.safeParse(cloudEventSchema, value);
  if (!cloudEvent.success) return { kind: 'event', event: readEvent(value, sha256) };
  const { source, data } = cloudEvent.data;
  const event = readEvent(data, sha256);
  const enclosed = z.safeParse(enclosedSchema, data);
  if (!enclosed.success || cloudEventOf === undefined || !same(value, cloudEventOf(enclosed.data, source))) {
    throw new CountersignError('event_export', 'the CloudEvent is not the one of its event');
  }
  return { kind: 'event', event: { ...event, source } };
}

function same(value: unknown, json: string): boolean {
  return canonicalJson(value as Json) === canonicalJson(JSON.parse(json));
}

/** The line of an export that holds its proof. */
export function formatProofLine(proof: EventProof): string {
  return JSON.stringify({ event_proof: proof });
}

/** The line of an export that repeats the hashes of its events from `from` on: who alters events must alter these too. */
export function formatHashesLine(from: number, hashes: readonly string[]): string {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  for (const [index, hash] of hashes.entries())
    bytes.set(decodeBase64url(hash, HASH_BYTES), index * HASH_BYTES);
  return JSON.stringify({ event_hashes: { from, hashes: encodeBase64url(bytes) } });
}

function readEvent(value: unknown, sha256: Sha256): CopiedEvent {
  const parsed = z.safeParse(eventSchema, value);
  if (!parsed.success) throw new CountersignError('event_export', 'it is no event of Countersign');
  const { hash, replay: _notPartOfIt, ...hashed } = parsed.data;
  const checkpoint = z.safeParse(checkpointSchema, hashed.data);
  return {
    ...{ seq: hashed.seq, prev: hashed.prev, hash },
    computed: hashed.redaction === undefined ? hashOf(hashed, sha256) : null,
    ...(hashed.type === 'log.checkpointed' && checkpoint.success
      ? { checkpoint: { note: checkpoint.data.checkpoint, subtrees: checkpoint.data.subtrees } }
      : {}),
  };
}

/** Nothing has the hash '': an event that could not have been hashed is not as it was. */
function hashOf(event: object, sha256: Sha256): string {
  try {
    return encodeBase64url(sha256(labelled('event', event as { readonly [name: string]: Json })));
  } catch (error) {
    if (isCountersignError(error, 'claims_invalid')) return '';
    throw error;
  }
}

/** Hashes of 32 bytes that stand one behind the other. */
export function splitHashes(bytes: Uint8Array): Uint8Array[] {
  const count = Math.floor(bytes.length / HASH_BYTES);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );
}
