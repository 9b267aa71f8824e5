import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { BUFFER_EVENTS } from '../../lib/limits.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Signer } from '../../signer/signer.ts';
import type { Database } from '../../storage/database.ts';
import type { SinkDefinition } from '../delivery/sink-definition.ts';
import type { EventLog } from '../event-log.ts';
import { type BuiltinSink, builtinDefinition, type SinkOpener, storedDefinition } from './open-sinks.ts';
import { openSettings, type SinkSettings } from './sealed-settings.ts';
import { readHealth } from './sink-health.ts';
import { shownSettings } from './sink-settings.ts';
import { findSink, type SinkRow } from './sink-store.ts';
import type { SinkHealth, SinkView } from './sinks.ts';

export interface SinksDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Pick<EventLog, 'append'>;
  readonly opener: SinkOpener;
  readonly builtins: readonly BuiltinSink[];
  /** Has changes of a sink taken up. */
  readonly delivery: { wake(sink: string): Promise<void> };
  /** Our entity id. */
  readonly iss: string;
  readonly bufferEvents?: number;
}

/** A sink that was found: one of the configuration, or a stored one. */
export type FoundSink =
  | { readonly builtin: BuiltinSink; readonly row?: undefined }
  | { readonly row: SinkRow; readonly builtin?: undefined };

/** Finds sinks, and shows them. */
export interface SinkReader {
  /** `sink_unknown` */
  find(idOrName: string): Promise<FoundSink>;
  /** `sink_unknown`; `malformed_request` for one of the configuration. */
  findStored(idOrName: string): Promise<SinkRow>;
  definition(found: FoundSink): SinkDefinition;
  views(found: readonly FoundSink[]): Promise<SinkView[]>;
}

export function createSinkReader(deps: SinksDeps): SinkReader {
  const { database, signer, clock, opener, builtins, bufferEvents = BUFFER_EVENTS } = deps;
  const started = new Date(clock.now()).toISOString();

  async function find(idOrName: string): Promise<FoundSink> {
    const builtin = builtins.find(({ name }) => name === idOrName);
    if (builtin !== undefined) return { builtin };
    const row = await database.read((query) => findSink(query, idOrName));
    if (row === undefined) throw new CountersignError('sink_unknown');
    return { row };
  }

  /** One whose seal is broken says so in its health; the others are to be seen beside it, and it can be removed. */
  async function shownOf(row: SinkRow): Promise<SinkSettings> {
    try {
      return (await openSettings(signer, row)).settings;
    } catch (error) {
      if (!isCountersignError(error, 'seal_broken')) throw error;
      return {};
    }
  }

  /** Seconds. Of settings that this version does not take: none, and the sink says that it fails. */
  function intervalOf(row: SinkRow, settings: SinkSettings): number {
    try {
      return opener.kind(row.kind)?.interval?.(settings) ?? 0;
    } catch {
      return 0;
    }
  }

  function storedView(row: SinkRow, settings: SinkSettings, health: SinkHealth): SinkView {
    const { id, name, kind, status, redaction } = row;
    const known = opener.kind(kind);
    return {
      ...{ id, name, kind, status, redaction, builtin: false, health },
      format: row.format as SinkView['format'],
      original: row.original === 1,
      // of a kind that this version does not know, anything may be a secret
      settings: shownSettings(known?.secrets ?? Object.keys(settings), settings),
      filter: JSON.parse(row.filter),
      created: new Date(row.created).toISOString(),
      changed: new Date(row.changed).toISOString(),
    };
  }

  function builtinView({ name, kind }: BuiltinSink, health: SinkHealth): SinkView {
    return {
      ...{ id: name, name, kind, format: 'plain', status: 'enabled', settings: {}, filter: {} },
      ...{ redaction: 'none', original: false, builtin: true, created: started, changed: started, health },
    };
  }

  return {
    find,
    async findStored(idOrName) {
      const { row } = await find(idOrName);
      if (row !== undefined) return row;
      throw new CountersignError('malformed_request', `${idOrName}: the configuration file has this sink`);
    },
    definition: ({ builtin, row }) =>
      builtin === undefined ? storedDefinition(deps, row) : builtinDefinition(builtin),
    async views(found) {
      const named = await Promise.all(
        found.map(async (each) => {
          const settings = each.row === undefined ? {} : await shownOf(each.row);
          const interval = each.row === undefined ? 0 : intervalOf(each.row, settings);
          return { each, settings, interval, id: idOf(each), status: each.row?.status ?? 'enabled' };
        }),
      );
      const health = await database.read((query) =>
        readHealth(query, named, { now: clock.now(), bufferEvents }),
      );
      return named.map(({ each, settings, id }) => {
        const of = health.get(id);
        if (of === undefined) throw new CountersignError('sink_unknown');
        return each.builtin === undefined
          ? storedView(each.row, settings, of)
          : builtinView(each.builtin, of);
      });
    },
  };
}

function idOf(found: FoundSink): string {
  return found.builtin === undefined ? found.row.id : found.builtin.name;
}
