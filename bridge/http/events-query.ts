import * as z from 'zod';
import type { EventPlace } from '../events/event-queries.ts';
import { sinkFilterSchema } from '../events/sinks/sink-input.ts';
import { EVENT_PAGE } from '../lib/limits.ts';

const SEQ = /^\d{1,15}$/;

export const wholeNumber = z.string().regex(SEQ, 'must be a whole number').transform(Number);

/** A `seq`, or a moment as RFC 3339 has it. */
const place = z
  .union([wholeNumber, z.iso.datetime({ offset: true })], 'must be a seq or an RFC 3339 time')
  .transform((value): EventPlace => (typeof value === 'number' ? { seq: value } : { time: new Date(value) }));

/** `a,b`, or the parameter several times; whatever else it is, the schema behind it refuses. */
const list = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => {
    const texts = [value].flat();
    if (!texts.every((text) => typeof text === 'string')) return value;
    return texts.flatMap((text) => text.split(','));
  }, schema);

const { types, outcomes, min_severity } = sinkFilterSchema.shape;

/** What `GET /v1/events` is asked. */
export const eventsQuerySchema = z.strictObject({
  /** Go on behind this `seq`, or begin at this time; with the oldest event that is kept where absent. */
  since: place.default({ time: new Date(0) }),
  /** Up to this `seq`, or before this time. */
  until: place.optional(),
  limit: wholeNumber.pipe(z.int().min(1).max(EVENT_PAGE)).default(EVENT_PAGE),
  /** Types, or `group.*` for all of a kind, with commas between them. */
  type: list(types.unwrap()).optional(),
  outcome: list(outcomes.unwrap()).optional(),
  min_severity,
});

export type EventsQuery = z.infer<typeof eventsQuerySchema>;

/** The filter that a query names. */
export function filterOf({ type, outcome, min_severity: least }: EventsQuery) {
  return {
    ...(type === undefined ? {} : { types: type }),
    ...(outcome === undefined ? {} : { outcomes: outcome }),
    ...(least === undefined ? {} : { min_severity: least }),
  };
}

/** The same question, going on behind `since`: query parameters in their one form. */
export function questionFrom(query: EventsQuery, since: number): string {
  const asked = new URLSearchParams({ since: String(since) });
  if (query.until !== undefined) asked.set('until', textOf(query.until));
  if (query.limit !== EVENT_PAGE) asked.set('limit', String(query.limit));
  if (query.type !== undefined) asked.set('type', query.type.join(','));
  if (query.outcome !== undefined) asked.set('outcome', query.outcome.join(','));
  if (query.min_severity !== undefined) asked.set('min_severity', query.min_severity);
  return asked.toString();
}

function textOf(where: EventPlace): string {
  return 'seq' in where ? String(where.seq) : where.time.toISOString();
}
