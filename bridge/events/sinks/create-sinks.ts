import { ORIGINAL_FORMATS } from '../../../connectors/siem/formats/formatter.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { createCopyReading } from './read-copies.ts';
import { createSinkChanges } from './sink-changes.ts';
import { createSinkDeliveries } from './sink-deliveries.ts';
import { settingsSchema } from './sink-settings.ts';
import { listSinks } from './sink-store.ts';
import type { Sinks } from './sinks.ts';
import { createSinkReader, type FoundSink, type SinksDeps } from './sinks-deps.ts';
import { createSkipping } from './skip-event.ts';

export function createSinks(deps: SinksDeps): Sinks {
  const { database, opener, builtins } = deps;
  const reader = createSinkReader(deps);
  return {
    ...createSinkChanges(deps, reader),
    ...createSinkDeliveries(deps, reader),
    ...createSkipping(deps, reader),
    copy: createCopyReading(deps, reader),
    kinds: () =>
      opener.kinds.map((kind) => ({
        ...{ kind: kind.kind, doc: kind.doc, formats: kind.formats, secrets: kind.secrets },
        destinations: kind.destinations,
        originals: kind.formats.filter((format) => ORIGINAL_FORMATS.includes(format)),
        settings: settingsSchema(kind),
      })),
    async list() {
      const rows = await database.read(listSinks);
      const found: FoundSink[] = [
        ...builtins.map((builtin) => ({ builtin })),
        ...rows.map((row) => ({ row })),
      ];
      const views = await reader.views(found);
      return views.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async get(id) {
      const [view] = await reader.views([await reader.find(id)]);
      if (view === undefined) throw new CountersignError('sink_unknown');
      return view;
    },
  };
}
