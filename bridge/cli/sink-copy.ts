import * as z from 'zod';
import type { EventCopy } from '../../protocol/events/event-copy.ts';
import { type ApiClient, ApiProblem } from './api-client.ts';
import { sinkPath, sinkSchema } from './commands/sink-answers.ts';
import type { Progress } from './progress.ts';
import { count } from './quantities.ts';
import { UsageError } from './usage-error.ts';

const partSchema = z.object({ lines: z.array(z.string()), next: z.string().nullable() });

/** What a sink gets of the log, as the bridge says. */
export interface CopiedSink {
  readonly id: string;
  readonly name: string;
  readonly filtered: boolean;
  readonly redacted: boolean;
  /** `seq` up to which the receiver has, or refused, everything that it was to get. */
  readonly settled: number;
  /** Events that the receiver took, since the sink is there. */
  readonly delivered: number;
  /** Whether a line holds all of its event, and can be proven. */
  readonly whole: boolean;
}

/** Formats that hold all of an event. */
const WHOLE = new Set(['plain', 'cloudevents']);

export async function copiedSink(api: ApiClient, name: string): Promise<CopiedSink> {
  const sink = await api.get(sinkPath(name), sinkSchema);
  return {
    id: sink.id,
    name: sink.name,
    filtered: Object.keys(sink.filter).length > 0,
    redacted: sink.redaction !== 'none',
    settled: sink.health.settled,
    delivered: sink.health.delivered,
    whole: sink.original || WHOLE.has(sink.format),
  };
}

/** Adds what the receiver of a sink has, as the bridge reads it there. */
export async function readSinkCopy(
  api: ApiClient,
  name: string,
  copy: EventCopy,
  progress: Progress,
): Promise<void> {
  for (let after: string | null | undefined; after !== null; ) {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    const { lines, next } = await api.get(sinkPath(name, `/copy${query}`), partSchema).catch(asExport);
    for (const line of lines) await copy.add(line);
    progress.tell(() => `${name}: ${count(copy.lines)} lines`);
    after = next;
  }
}

/** Of a kind that the bridge cannot read: how the copy is got from the receiver. */
function asExport(error: unknown): never {
  if (!(error instanceof ApiProblem) || error.problem.code !== 'malformed_request') throw error;
  throw new UsageError(`${error.problem.detail} Then: countersign events verify FILE --bridge`, {
    cause: error,
  });
}
