import { setTimeout as wait } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { readEventStream } from '../../../client/event-stream.ts';
import { createFormatter } from '../../../connectors/siem/formats/create-formatter.ts';
import { FORMAT_NAMES, type FormatName } from '../../../connectors/siem/formats/formatter.ts';
import { SEVERITY_NAMES } from '../../../connectors/siem/formats/severity-name.ts';
import { entityConfigurationSchema } from '../../../protocol/entity-configuration.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import { decodeClaims } from '../../../protocol/jws.ts';
import { readVersion } from '../../lib/version.ts';
import { type ApiClient, ApiProblem, openApi, Unreachable } from '../api-client.ts';
import { coloured, eventLine, eventSchema, plainly } from '../event-line.ts';
import { printable } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly filter?: readonly string[];
  readonly outcome?: string;
  readonly minSeverity?: string;
  readonly format?: FormatName | 'pretty';
  readonly since?: string;
  readonly last?: string;
  readonly limit?: string;
}

/** Turns the text of an event into the line that is put out. */
type Render = (text: string) => string;

/** The bridge is heard from every 15 s at least. */
const SILENCE_MS = 45_000;
const LONGEST_EVENT = 262_144;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

export function addEventsTail(events: Command, terminal: Terminal): void {
  events
    .command('tail')
    .description('events as they happen, until interrupted; goes on where it was when a connection breaks')
    .option('--filter <types>', 'only these types, as in `device.*,person.closed`; repeatable', repeatable)
    .addOption(new Option('--outcome <outcome>', 'only these').choices(['success', 'failure']))
    .addOption(new Option('--min-severity <name>', 'only these and graver ones').choices(SEVERITY_NAMES))
    .addOption(
      new Option(
        '--format <name>',
        'as a sink would get them; `pretty` on a terminal, `plain` (NDJSON) in a pipe',
      ).choices(['pretty', ...FORMAT_NAMES]),
    )
    .option('--since <place>', 'begin behind this seq, or at this RFC 3339 time; now where absent')
    .option('-n, --last <count>', 'begin with the last so many of the log')
    .option('--limit <count>', 'end after so many')
    .action((options: Options) => tail(terminal, options));
}

async function tail(terminal: Terminal, options: Options): Promise<void> {
  const api = await openApi(terminal);
  const render = await renderer(
    terminal,
    api,
    options.format ?? (terminal.screen === true ? 'pretty' : 'plain'),
  );
  const most = options.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber(options.limit, '--limit');
  const query = queryOf(options);
  let since = await beginning(api, options);
  let told = 0;
  let pauseMs = FIRST_PAUSE_MS;
  while (told < most) {
    try {
      for await (const { event, id, data } of eventsBehind(api, query, since)) {
        // Whoever comes back is told the same as an answer.
        if (event === 'error') break;
        if (data !== null) terminal.out(render(data));
        since = id ?? since;
        pauseMs = FIRST_PAUSE_MS;
        if (data === null) continue;
        told += 1;
        if (told === most) return;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (pauseMs === FIRST_PAUSE_MS)
        terminal.say('The connection broke; it is taken up again behind the last event.');
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    await wait(pauseMs * (0.5 + Math.random() / 2));
  }
}

async function* eventsBehind(api: ApiClient, query: URLSearchParams, since: string) {
  const asked = new URLSearchParams(query);
  asked.set('since', since);
  const stream = await api.stream(`/v1/events?${asked}`);
  yield* readEventStream(stream, { silenceMs: SILENCE_MS, longestLine: LONGEST_EVENT });
}

/** What passes by itself: the bridge restarts, or has too much to do. */
function isPassing(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.problem.status >= 500 || error.problem.status === 429;
  return error instanceof Unreachable || isCountersignError(error, 'bridge_unreachable');
}

function queryOf({ filter, outcome, minSeverity }: Options): URLSearchParams {
  return new URLSearchParams({
    ...(filter === undefined ? {} : { type: filter.join(',') }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(minSeverity === undefined ? {} : { min_severity: minSeverity }),
  });
}

async function beginning(api: ApiClient, { since, last }: Options): Promise<string> {
  if (since !== undefined && last !== undefined) throw new UsageError('Give --since or --last, not both.');
  if (since !== undefined) return since;
  const newest = await newestSeq(api);
  return String(Math.max(0, newest - (last === undefined ? 0 : wholeNumber(last, '--last'))));
}

/** A question from a moment that is far off answers where the log stands now. */
async function newestSeq(api: ApiClient): Promise<number> {
  const { link } = await api.page('/v1/events?since=9999-01-01T00:00:00Z&limit=1');
  const since = /[?&]since=(\d+)/.exec(link ?? '')?.[1];
  if (since === undefined) throw new Unreachable('The bridge does not say where its log stands.');
  return Number(since);
}

async function renderer(terminal: Terminal, api: ApiClient, format: FormatName | 'pretty'): Promise<Render> {
  if (format === 'pretty') {
    const paint = terminal.screen === true && (terminal.env.NO_COLOR ?? '') === '' ? coloured : plainly;
    return (text) => eventLine(eventSchema.parse(JSON.parse(text)), paint);
  }
  const shown: Render = terminal.screen === true ? printable : (text) => text;
  if (format === 'plain') return shown;
  const formatter = createFormatter(format, await originOf(api));
  return (text) => shown(formatter.format(sinkEventSchema.parse(JSON.parse(text))));
}

/** Formatters take any text in an event; that it is one must be sure. */
const sinkEventSchema = z.object({
  ...eventSchema.shape,
  v: z.literal(1),
  event_id: z.string(),
  actor: z.object({ kind: z.string() }).catchall(z.string()),
  request_id: z.string().nullable(),
  trace_id: z.string().nullable(),
  data: z.record(z.string(), z.json()),
  salt: z.string().optional(),
  prev: z.string(),
  hash: z.string(),
});

/** Over TLS, from the bridge that the events come from: nothing here needs its signature. */
async function originOf(api: ApiClient) {
  const token = await api.text('/.well-known/openid-federation');
  const { iss, metadata } = decodeClaims(token, 'entity-statement+jwt', entityConfigurationSchema);
  return { iss, organization: metadata.key_bridge.organization_name, version: readVersion() };
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} is a whole number.`);
  return Number(text);
}
