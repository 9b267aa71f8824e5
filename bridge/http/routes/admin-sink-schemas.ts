import * as z from 'zod';
import { FORMAT_NAMES } from '../../../connectors/siem/formats/formatter.ts';
import { SINK_REDACTIONS, sinkFilterSchema } from '../../events/sinks/sink-input.ts';

const time = z.iso.datetime();
const format = z.enum(FORMAT_NAMES);

/** Seqs are inclusive. */
export const replaySchema = z.strictObject({
  id: z.string(),
  from_seq: z.int(),
  to_seq: z.int(),
  done_seq: z.int().describe('The seq up to which it has come'),
  status: z.enum(['running', 'finished', 'cancelled']),
  created: time,
});

const healthSchema = z.strictObject({
  state: z
    .enum(['ok', 'behind', 'failing', 'paused'])
    .describe('behind: it takes events, but more than a few seconds after they happened'),
  settled: z.int().describe('The seq up to which every event is with the receiver, or was given up'),
  behind: z.int().describe('Events that it has not taken yet'),
  lag_seconds: z.number().nullable().describe('Age of the oldest of them; null where there is none'),
  buffer_percent: z.number().describe('Of what it may be behind before the oldest events are given up'),
  last_success: time.nullable(),
  last_error: z.strictObject({ time, code: z.string(), detail: z.string() }).nullable(),
  failures: z.int().describe('Tries that failed since the last one that went well'),
  delivered: z.int().describe('Events that it has taken since it was made'),
  dead_letters: z.int(),
  dead_letters_forgotten: z.int().describe('Of the refused events: the oldest, beyond what is kept'),
  replays: z.array(replaySchema).describe('The latest, the newest first'),
});

export const sinkSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  format,
  status: z.enum(['enabled', 'paused']),
  settings: z.record(z.string(), z.json()).describe('Of a secret, only whether there is one: {"set": true}'),
  filter: sinkFilterSchema,
  redaction: z.enum(SINK_REDACTIONS),
  original: z.boolean().describe('Whether events carry their originals, by which copies are proven'),
  builtin: z.boolean().describe('The configuration file has it: it cannot be changed here'),
  created: time,
  changed: time,
  health: healthSchema,
});

export const sinksSchema = z.strictObject({ sinks: z.array(sinkSchema) });

export const sinkKindsSchema = z.strictObject({
  kinds: z.array(
    z.strictObject({
      kind: z.string(),
      doc: z.string(),
      formats: z.array(format).describe('The first is the default'),
      originals: z
        .array(format)
        .describe('Those in which events can carry their originals; the others hold all of an event anyway'),
      settings: z.record(z.string(), z.json()).describe('JSON Schema of the settings'),
      secrets: z.array(z.string()).describe('Names of the settings that are never shown again'),
      destinations: z
        .array(z.string())
        .describe('Names of the settings that cannot change unless every secret is given anew with them'),
    }),
  ),
});

export const testedSinkSchema = z.strictObject({
  accepted: z.boolean(),
  took_ms: z.number(),
  code: z.string().nullable(),
  detail: z.string().nullable().describe('The receiver’s words'),
  event_id: z.string().describe('By which it is found at the receiver'),
});

export const deadLettersSchema = z.strictObject({
  dead_letters: z.array(
    z.strictObject({
      seq: z.int(),
      event_id: z.string(),
      refused: time,
      words: z.string().describe('The receiver’s'),
      tries: z.int().describe('How often it was refused'),
      resending: z.boolean().describe('Whether it is about to be sent again'),
    }),
  ),
  next: z.int().nullable().describe('For `after`, where there are more'),
});
