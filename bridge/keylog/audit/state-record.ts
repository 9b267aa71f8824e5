import * as z from 'zod';

const size = z.int().nonnegative();
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** A checkpoint that the log signed: the note as it came, and the vkeys of the log under which it was verified. */
const signedCheckpoint = z.strictObject({
  size,
  root: bytes32,
  note: z.string(),
  log_keys: z.array(z.string()).min(1),
});

/** The log was proven to have broken a rule: nothing is cosigned until a person has looked. Seconds. */
export const alarmSchema = z.strictObject({ code: z.string(), time: size, evidence: z.string() }).nullable();

/**
 * What an auditor remembers of one log (`audit.json`). A state of another version is refused, never guessed at.
 */
export const stateRecordSchema = z.strictObject({
  v: z.literal(1),
  /** The bridge. */
  url: z.string(),
  origin: z.string(),
  /** The thumbprint of the bridge's root key, trusted since the first run; null where a log key was given instead. */
  root: bytes32.nullable(),
  /** The highest serial of online keys seen, and these keys as they came. */
  serial: size,
  online_keys: z.string().nullable(),
  /** How much of the file `entries` counts: entries, and their bytes. */
  entries: z.strictObject({ size, bytes: size }),
  /** The newest checkpoint that was replayed in full and kept every rule. */
  verified: signedCheckpoint.nullable(),
  /** The newest checkpoint that the log showed; a smaller one later is a step back. */
  seen: signedCheckpoint.nullable(),
  /** The newest checkpoint that we cosigned, written before it was signed. Seconds. */
  signed: z
    .strictObject({ name: z.string(), size, root: bytes32, time: size, delivered: z.boolean() })
    .nullable(),
  alarm: z.optional(alarmSchema),
});

export type StateRecord = z.infer<typeof stateRecordSchema>;
export type SignedCheckpoint = z.infer<typeof signedCheckpoint>;
