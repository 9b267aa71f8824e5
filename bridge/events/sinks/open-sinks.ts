import type { CopyReader } from '../../../connectors/siem/copy-reader.ts';
import { createFormatter } from '../../../connectors/siem/formats/create-formatter.ts';
import type { EventOrigin, FormatName } from '../../../connectors/siem/formats/formatter.ts';
import type { Sink, SinkDeps, SinkKind } from '../../../connectors/siem/sink.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { Signer } from '../../signer/signer.ts';
import type { Database } from '../../storage/database.ts';
import type { SinkDefinition, SinkDefinitions } from '../delivery/sink-definition.ts';
import { openSettings, type SinkSettings } from './sealed-settings.ts';
import { findSink, listSinks, type SinkRow, updateSink } from './sink-store.ts';

/** A sink that the configuration has: it takes everything, from the beginning. */
export interface BuiltinSink {
  /** Its id too. */
  readonly name: string;
  readonly kind: string;
  open(): Sink;
}

export interface SinkOpener {
  readonly kinds: readonly SinkKind[];
  /** `undefined`: there is none of that name in this version. */
  kind(name: string): SinkKind | undefined;
  /** `config_invalid` for settings that cannot be used. */
  open(sink: string, kind: string, rendering: Rendering, settings: SinkSettings): Sink;
  /** Reads back what it wrote; or says how that is exported from its receiver. `config_invalid` likewise. */
  copy(sink: string, kind: string, rendering: Rendering, settings: SinkSettings): CopyReader | string;
}

/** How events are sent. */
export interface Rendering {
  readonly format: FormatName;
  /** Whether each carries its original. */
  readonly original: boolean;
}

export function createSinkOpener(
  kinds: readonly SinkKind[],
  deps: Omit<SinkDeps, 'sink' | 'formatter' | 'iss'>,
  origin: EventOrigin,
): SinkOpener {
  const find = (name: string) => kinds.find(({ kind }) => kind === name);

  function known(name: string): SinkKind {
    const kind = find(name);
    if (kind !== undefined) return kind;
    throw new CountersignError('config_invalid', `this version has no sinks of the kind ${name}`);
  }

  const depsOf = (sink: string, { format, original }: Rendering): SinkDeps => ({
    ...{ ...deps, sink, iss: origin.iss },
    formatter: createFormatter(format, origin, original),
  });

  return {
    kinds,
    kind: find,
    open: (sink, name, rendering, settings) => known(name).open(settings, depsOf(sink, rendering)),
    copy(sink, name, rendering, settings) {
      const { copy } = known(name);
      return typeof copy === 'string' ? copy : copy(settings, depsOf(sink, rendering));
    },
  };
}

/** The sinks of the configuration, and those that administrators made. */
export function createSinkDefinitions(deps: {
  readonly database: Database;
  readonly signer: Signer;
  readonly opener: SinkOpener;
  readonly builtins: readonly BuiltinSink[];
}): SinkDefinitions {
  const { database, builtins } = deps;
  return {
    builtin: builtins.map(({ name }) => name),
    async list() {
      const rows = await database.read(listSinks);
      return [...builtins.map(builtinDefinition), ...rows.map((row) => storedDefinition(deps, row))];
    },
  };
}

export function builtinDefinition({ name, open }: BuiltinSink): SinkDefinition {
  return {
    ...{ id: name, name, revision: 1, status: 'enabled', filter: {}, redaction: 'none' },
    open: async () => ({ sink: open() }),
  };
}

export function storedDefinition(
  { database, signer, opener }: { database: Database; signer: Signer; opener: SinkOpener },
  row: SinkRow,
): SinkDefinition {
  const { id, name, revision, status, redaction } = row;
  return {
    ...{ id, name, revision, status, redaction },
    filter: JSON.parse(row.filter),
    pause: (tx, now) => updateSink(tx, row, { status: 'paused', changed: now }),
    async open() {
      // read again: what is sealed is sealed anew, in the same revision, when the key-encryption key changes
      const found = await database.read((query) => findSink(query, id));
      if (found === undefined) throw new CountersignError('sink_unavailable', 'The sink was removed.');
      // the filter and the redaction of before must not meet the settings of now
      if (found.revision !== revision)
        throw new CountersignError('sink_unavailable', 'The sink was changed.');
      const { settings, redaction_key: key } = await openSettings(signer, found);
      const rendering = { format: found.format as FormatName, original: found.original === 1 };
      const sink = opener.open(id, row.kind, rendering, settings);
      return { sink, redactionKey: Buffer.from(key, 'base64url') };
    },
  };
}
