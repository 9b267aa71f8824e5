import * as z from 'zod';
import { FORMAT_NAMES } from '../../../connectors/siem/formats/formatter.ts';
import { SEVERITY_NAMES } from '../../../connectors/siem/formats/severity-name.ts';
import { EVENTS } from '../catalog.ts';

/** What becomes of personal data on the way to the receiver. */
export const SINK_REDACTIONS = ['none', 'drop', 'hmac'] as const;
export type SinkRedaction = (typeof SINK_REDACTIONS)[number];

/** In metrics and commands; never mistaken for an id. */
const name = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be lower-case letters, digits and hyphens, at most 63',
  );

/** A type, or `group.*` for all of a kind. One that no event has would silently deliver nothing. */
const typePattern = z
  .string()
  .max(80)
  .refine(
    (pattern) => Object.keys(EVENTS).some((type) => matchesPattern(type, pattern)),
    'is no type of event, nor the beginning of one with .*',
  );

/** An event must pass all that is said. */
export const sinkFilterSchema = z.strictObject({
  types: z.array(typePattern).min(1).max(100).optional(),
  outcomes: z
    .array(z.enum(['success', 'failure']))
    .min(1)
    .max(2)
    .optional(),
  /** The least severe that is delivered. */
  min_severity: z.enum(SEVERITY_NAMES).optional(),
});
export type SinkFilter = z.infer<typeof sinkFilterSchema>;

const format = z.enum(FORMAT_NAMES);
const redaction = z.enum(SINK_REDACTIONS);
/** Whether each event carries itself as it is, where the format holds but a part of it: so much more volume. */
const original = z.boolean();
const status = z.enum(['enabled', 'paused']);

export const sinkInputSchema = z.strictObject({
  name,
  kind: z.string().max(40),
  /** The kind's first where absent. */
  format: format.optional(),
  /** Checked by the kind. */
  settings: z.record(z.string().max(80), z.json()).default({}),
  filter: sinkFilterSchema.default({}),
  redaction: redaction.default('none'),
  original: original.default(false),
  status: status.default('enabled'),
  from: z.enum(['now', 'beginning']).default('now'),
});
export type SinkInput = z.input<typeof sinkInputSchema>;

/** What is left out stays. A secret may be sent as it is shown (`{"set": true}`) to stay too. */
export const sinkPatchSchema = z.strictObject({
  name: name.optional(),
  format: format.optional(),
  settings: z.record(z.string().max(80), z.json()).optional(),
  filter: sinkFilterSchema.optional(),
  redaction: redaction.optional(),
  original: original.optional(),
  status: status.optional(),
});
export type SinkPatch = z.input<typeof sinkPatchSchema>;

/** Whether a type is the one that the pattern names, or one of those whose beginning it names. */
export function matchesPattern(type: string, pattern: string): boolean {
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
