import * as z from 'zod/mini';
import { decodeBase64url } from '../base64url.ts';
import { labelled } from '../canonical-json.ts';
import { digest } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import { HASH_BYTES, type Sha256 } from '../tlog/merkle.ts';
import { isWhole } from './event-content.ts';

/** As the bridge takes names of sinks, and makes ids of them. */
const sinkName = z.string().check(z.regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/));
const sinkId = z.string().check(z.regex(/^snk_[0-9a-f]{20}$/));
const time = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/));
/** An IP address, or the pseudonym of one. */
const address = z.string().check(z.regex(/^(?:[0-9A-Fa-f:.]{2,45}|hmac-[A-Za-z0-9_-]{22})$/));
/** 128 random bits: the last character holds two of them. */
const salt = z.string().check(z.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/));

/**
 * What tries a sink out, exactly as the bridge writes it. Nothing signs it, and whoever can write a copy can make one:
 * so no member takes free text, in which it could say something.
 */
const testSchema = z.strictObject({
  v: z.literal(1),
  seq: z.literal(0),
  event_id: z.uuid(),
  time,
  type: z.literal('sink.tested'),
  actor: z.strictObject({ kind: z.literal('administrator'), id: z.uuid(), address: z.optional(address) }),
  subject: z.strictObject({}),
  outcome: z.literal('success'),
  code: z.null(),
  request_id: z.uuid(),
  trace_id: z.null(),
  /** The id of a sink of the configuration is its name. */
  data: z.strictObject({ sink: z.union([sinkId, sinkName]), name: sinkName, test: z.uuid() }),
  salt: z.optional(salt),
  prev: digest,
  hash: digest,
  redaction: z.optional(z.enum(['drop', 'hmac'])),
});

/** Whether it has the place before the first event, which events of the log never have. */
export function isBeforeFirst(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'seq' in value && value.seq === 0;
}

/** Answers what a test event names as `prev`. Throws `event_export` for one that no bridge writes. */
export function readTestEvent(value: unknown, sha256: Sha256): Uint8Array {
  const parsed = z.safeParse(testSchema, value);
  if (!parsed.success) throw new CountersignError('event_export', 'it is no test event of Countersign');
  const { hash, ...hashed } = parsed.data;
  const isItsOwn =
    hashed.data.test === hashed.event_id &&
    (hashed.redaction !== undefined || isWhole(hashed, decodeBase64url(hash, HASH_BYTES), sha256));
  if (!isItsOwn) throw new CountersignError('event_export', 'the test event was altered');
  return decodeBase64url(hashed.prev, HASH_BYTES);
}

/** What the events of this bridge begin with, and each of its test events names as `prev`. */
export function eventGenesisOf(iss: string, sha256: Sha256): Uint8Array {
  return sha256(labelled('event-genesis', { iss }));
}
