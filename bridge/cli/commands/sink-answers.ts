import * as z from 'zod';
import { schemaNode } from './settings-schema.ts';

/** What the admin API answers about sinks. */
export const SINKS = '/admin/v1/sinks';
export const KINDS = '/admin/v1/sink-kinds';
export const sinkPath = (name: string, rest = '') => `${SINKS}/${encodeURIComponent(name)}${rest}`;

export const replaySchema = z.object({
  id: z.string(),
  from_seq: z.int(),
  to_seq: z.int(),
  done_seq: z.int(),
  status: z.string(),
  created: z.string(),
});
export type ReplayAnswer = z.infer<typeof replaySchema>;

export const sinkSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  format: z.string(),
  status: z.string(),
  settings: z.record(z.string(), z.json()),
  filter: z.object({
    types: z.array(z.string()).optional(),
    outcomes: z.array(z.string()).optional(),
    min_severity: z.string().optional(),
  }),
  redaction: z.string(),
  original: z.boolean(),
  builtin: z.boolean(),
  created: z.string(),
  changed: z.string(),
  health: z.object({
    state: z.string(),
    settled: z.int(),
    behind: z.int(),
    lag_seconds: z.number().nullable(),
    buffer_percent: z.number(),
    last_success: z.string().nullable(),
    last_error: z.object({ time: z.string(), code: z.string(), detail: z.string() }).nullable(),
    failures: z.int(),
    delivered: z.int(),
    dead_letters: z.int(),
    dead_letters_forgotten: z.int().default(0),
    replays: z.array(replaySchema),
  }),
});
export type SinkAnswer = z.infer<typeof sinkSchema>;
export const sinksSchema = z.object({ sinks: z.array(sinkSchema) });

export const kindSchema = z.object({
  kind: z.string(),
  doc: z.string(),
  formats: z.array(z.string()),
  originals: z.array(z.string()),
  settings: schemaNode,
  secrets: z.array(z.string()),
  destinations: z.array(z.string()),
});
export type SinkKindAnswer = z.infer<typeof kindSchema>;
export const kindsSchema = z.object({ kinds: z.array(kindSchema) });

export const testedSchema = z.object({
  accepted: z.boolean(),
  took_ms: z.number(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
  event_id: z.string(),
});
export type TestedAnswer = z.infer<typeof testedSchema>;

export const deadLettersSchema = z.object({
  dead_letters: z.array(
    z.object({
      seq: z.int(),
      event_id: z.string(),
      refused: z.string(),
      words: z.string(),
      tries: z.int(),
      resending: z.boolean(),
    }),
  ),
  next: z.int().nullable(),
});
export type DeadLettersAnswer = z.infer<typeof deadLettersSchema>;
