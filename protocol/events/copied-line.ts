import * as z from 'zod/mini';
import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { canonicalJson, type Json } from '../canonical-json.ts';
import { digest } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import { sha256 as portableSha256 } from '../hash.ts';
import { HASH_BYTES, type Sha256 } from '../tlog/merkle.ts';
import { isWhole } from './event-content.ts';
import { type EventProof, eventProofSchema } from './event-proof.ts';
import { isBeforeFirst, readTestEvent } from './test-event.ts';
import { parseUnambiguousJson } from './unambiguous-json.ts';

/** An event in a copy of the log, as far as verification needs it. Nothing of it is verified. */
export interface CopiedEvent {
  readonly seq: number;
  readonly prev: Uint8Array;
  /** What it says that its own hash is. */
  readonly hash: Uint8Array;
  /**
   * `altered`: its hash is another one. `redacted`: personal data was taken out, so that nobody can tell. `shortened`: it
   * says that a sink cut it, as syslog messages are bounded, so that nobody can tell either; whoever alters an event may
   * have it say so.
   */
  readonly content: 'whole' | 'altered' | 'redacted' | 'shortened';
  /** Of `log.checkpointed`: the note, and the subtrees of its root. */
  readonly checkpoint?: { readonly note: string; readonly subtrees: readonly string[] };
}

/** The CloudEvent, as JSON, in which the bridge `source` sends this event. */
export type CloudEventOf = (event: object, source: string) => string;

/** What a line says around an event. */
export interface Surroundings {
  /** Whose event it is, an entity id, where the format tells. */
  readonly source?: string | undefined;
  /** Whose event it is, a host without a port, where the format tells no more. */
  readonly host?: string | undefined;
  /** Whether the line says nothing that does not follow from the event. */
  readonly faithful: boolean;
}

/** The original that a line of another format carries, and who says so. */
export interface CarriedOriginal extends Surroundings {
  /** As JSON. */
  readonly event: string;
}

/** `undefined` for a line that is of no such format, or carries no original. */
export type OriginalIn = (line: string) => CarriedOriginal | undefined;

/** How lines are read. */
export interface LineReading {
  readonly sha256?: Sha256;
  /** Without it CloudEvents are unreadable: nobody can tell what they say beside the event. */
  readonly cloudEventOf?: CloudEventOf;
  /** Without it lines of other formats are unreadable. */
  readonly originalIn?: OriginalIn;
}

/** What one line of a copy is. Exports carry a proof, and the hashes of their events once more. */
export type CopiedLine =
  | ({ readonly kind: 'event'; readonly event: CopiedEvent } & Surroundings)
  | { readonly kind: 'proof'; readonly proof: EventProof }
  | { readonly kind: 'hashes'; readonly from: number; readonly hashes: readonly Uint8Array[] }
  /** Sent to try a sink out: it stands in no log, and nothing signs it. */
  | ({ readonly kind: 'test'; readonly prev: Uint8Array } & Surroundings);

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

type HashedEvent = Omit<z.infer<typeof eventSchema>, 'hash' | 'replay'>;

/** What a sink puts into the data of an event that it cuts; the catalogue has no such member. */
const shortenedData = z.looseObject({ truncated: z.literal(true) });
const checkpointSchema = z.looseObject({ checkpoint: z.string(), subtrees: z.array(digest) });
const cloudEventSchema = z.looseObject({ specversion: z.string(), source: z.string(), data: z.unknown() });
const enclosedSchema = z.looseObject({
  ...{ actor: z.looseObject({}), subject: z.looseObject({}), data: z.looseObject({}) },
});
const proofLine = z.strictObject({ event_proof: eventProofSchema });
const hashesLine = z.strictObject({ event_hashes: z.strictObject({ from: seq, hashes: z.string() }) });

/**
 * Reads a line of a copy: an event as `GET /v1/events`, sinks and exports write it, alone, in a CloudEvent or as the
 * original in another format, or what an export adds. Whatever can be read in the line must be hashed, or follow from
 * what is, or the line says that it does not (`faithful`). Throws `event_export` for anything else.
 */
export function readCopiedLine(line: string, reading: LineReading = {}): CopiedLine {
  const { sha256 = portableSha256, cloudEventOf, originalIn } = reading;
  const carried = originalIn?.(line);
  if (carried !== undefined) {
    if (line.startsWith('{')) parseUnambiguousJson(line);
    const { event, ...around } = carried;
    return { ...readEvent(parseUnambiguousJson(event), sha256), ...around };
  }
  const value = parseUnambiguousJson(line);
  if (isObject(value) && 'event_proof' in value) {
    return { kind: 'proof', proof: parsed(proofLine, value).event_proof };
  }
  if (isObject(value) && 'event_hashes' in value) {
    const { from, hashes } = parsed(hashesLine, value).event_hashes;
    return { kind: 'hashes', from, hashes: splitHashes(decodeBase64url(hashes)) };
  }
  if (!isObject(value) || !('specversion' in value)) return readEvent(value, sha256);
  const { source, data } = parsed(cloudEventSchema, value);
  const enclosed = z.safeParse(enclosedSchema, data);
  if (!enclosed.success || cloudEventOf === undefined || !same(value, cloudEventOf(enclosed.data, source))) {
    throw new CountersignError('event_export', 'the CloudEvent is not the one of its event');
  }
  return { ...readEvent(data, sha256), source };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function parsed<T>(schema: z.ZodMiniType<T>, value: unknown): T {
  const result = z.safeParse(schema, value);
  if (!result.success) throw new CountersignError('event_export', 'it is no event of Countersign');
  return result.data;
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

type ReadEvent = Extract<CopiedLine, { kind: 'event' | 'test' }>;

function readEvent(value: unknown, sha256: Sha256): ReadEvent {
  if (isBeforeFirst(value)) return { kind: 'test', prev: readTestEvent(value, sha256), faithful: true };
  const { hash: text, replay: _notPartOfIt, ...hashed } = parsed(eventSchema, value);
  const hash = decodeBase64url(text, HASH_BYTES);
  const checkpoint = z.safeParse(checkpointSchema, hashed.data);
  const event: CopiedEvent = {
    ...{ seq: hashed.seq, prev: decodeBase64url(hashed.prev, HASH_BYTES), hash },
    content: hashed.redaction === undefined ? contentOf(hashed, hash, sha256) : 'redacted',
    ...(hashed.type === 'log.checkpointed' && checkpoint.success
      ? { checkpoint: { note: checkpoint.data.checkpoint, subtrees: checkpoint.data.subtrees } }
      : {}),
  };
  return { kind: 'event', event, faithful: true };
}

function contentOf(event: HashedEvent, hash: Uint8Array, sha256: Sha256): CopiedEvent['content'] {
  if (isWhole(event, hash, sha256)) return 'whole';
  return z.safeParse(shortenedData, event.data).success ? 'shortened' : 'altered';
}

/** Hashes of 32 bytes that stand one behind the other. */
export function splitHashes(bytes: Uint8Array): Uint8Array[] {
  const count = Math.floor(bytes.length / HASH_BYTES);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );
}
