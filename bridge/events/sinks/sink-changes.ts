import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type FormatName, ORIGINAL_FORMATS } from '../../../connectors/siem/formats/formatter.ts';
import type { SinkKind } from '../../../connectors/siem/sink.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { SINKS } from '../../lib/limits.ts';
import type { RequestContext } from '../../lib/request-context.ts';
import { isUniqueViolation, type Transaction } from '../../storage/database.ts';
import { deleteDeadLetters } from '../delivery/dead-letters.ts';
import { deleteReplays } from '../delivery/replays.ts';
import { deleteState, firstKept, insertState, nextEvent } from '../delivery/sink-states.ts';
import { type Change, succeeded } from '../succeeded.ts';
import type { Rendering } from './open-sinks.ts';
import { newRedactionKey, openSettings, type SinkSettings, sealSettings } from './sealed-settings.ts';
import { sinkInputSchema, sinkPatchSchema } from './sink-input.ts';
import { checkGiven, checkSettings, mergeSettings } from './sink-settings.ts';
import { countSinks, deleteSink, insertSink, type SinkRow, updateSink } from './sink-store.ts';
import type { SinkInput, SinkPatch, Sinks } from './sinks.ts';
import type { SinkReader, SinksDeps } from './sinks-deps.ts';

/** Makes, changes and removes sinks. */
export function createSinkChanges(
  deps: SinksDeps,
  reader: SinkReader,
): Pick<Sinks, 'create' | 'change' | 'remove'> {
  const { database, signer, clock, events, opener, builtins, delivery } = deps;

  async function view(row: SinkRow) {
    const [shown] = await reader.views([{ row }]);
    if (shown === undefined) throw new CountersignError('sink_unknown');
    return shown;
  }

  /** Settings and format that this kind can be opened with. */
  async function checkOpening(
    id: string,
    kind: SinkKind,
    rendering: Rendering,
    settings: SinkSettings,
  ): Promise<void> {
    const { format, original } = rendering;
    if (!kind.formats.includes(format)) {
      throw new CountersignError('malformed_request', `format: must be one of ${kind.formats.join(', ')}`);
    }
    if (original && !ORIGINAL_FORMATS.includes(format)) {
      throw new CountersignError('malformed_request', `original: ${format} holds all of an event already`);
    }
    checkSettings(kind, settings);
    try {
      await opener.open(id, kind.kind, rendering, settings).close();
    } catch (cause) {
      if (!isCountersignError(cause, 'config_invalid')) throw cause;
      throw new CountersignError('malformed_request', `settings: ${cause.detail ?? 'contradict each other'}`);
    }
  }

  function assertNameFree(name: string): void {
    if (builtins.some((builtin) => builtin.name === name)) throw new CountersignError('sink_name_taken');
  }

  async function store<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await database.transaction(work);
    } catch (error) {
      if (isUniqueViolation(error, 'sinks')) throw new CountersignError('sink_name_taken');
      throw error;
    }
  }

  return {
    async create(input: SinkInput, by: RequestContext) {
      const asked = checkGiven(sinkInputSchema, input);
      const kind = opener.kind(asked.kind);
      if (kind === undefined) throw new CountersignError('malformed_request', 'kind: there is no such kind');
      const format = asked.format ?? kind.formats[0];
      const id = `snk_${randomBytes(10).toString('hex')}`;
      const { name, status, redaction, settings, original } = asked;
      await checkOpening(id, kind, { format, original }, settings);
      assertNameFree(asked.name);
      const now = clock.now();
      const row: SinkRow = {
        ...{ id, name, kind: kind.kind, format, status, redaction, revision: 1, created: now, changed: now },
        sealed: await sealSettings(signer, id, { settings, redaction_key: newRedactionKey() }),
        filter: JSON.stringify(asked.filter),
        original: original ? 1 : 0,
      };
      await store(async (tx) => {
        if ((await countSinks(tx)) >= SINKS) throw new CountersignError('sink_limit');
        const start = await (asked.from === 'beginning' ? firstKept(tx) : nextEvent(tx));
        await insertSink(tx, row);
        await insertState(tx, id, start);
        const data = { sink: id, name, kind: kind.kind, from_seq: start.settled + 1 };
        await events.append(tx, succeeded({ type: 'sink.created', data }, by));
      });
      await delivery.wake(id);
      return view(row);
    },

    async change(id: string, patch: SinkPatch, by: RequestContext) {
      const row = await reader.findStored(id);
      const asked = checkGiven(sinkPatchSchema, patch);
      const sealed = await openSettings(signer, row);
      const kind = opener.kind(row.kind);
      const original = asked.original ?? row.original === 1;
      const reopens = [asked.settings, asked.format, asked.original].some((given) => given !== undefined);
      if (reopens && kind === undefined) {
        throw new CountersignError('malformed_request', `this version has no sinks of the kind ${row.kind}`);
      }
      const settings =
        kind === undefined ? sealed.settings : mergeSettings(kind, sealed.settings, asked.settings ?? {});
      const format = asked.format ?? (row.format as FormatName);
      const changed = changedMembers(row, asked, sealed.settings, settings);
      if (changed.length === 0) return view(row);
      if (reopens && kind !== undefined) await checkOpening(row.id, kind, { format, original }, settings);
      if (asked.name !== undefined) assertNameFree(asked.name);
      const change = {
        ...{ name: asked.name ?? row.name, format, status: asked.status ?? row.status, changed: clock.now() },
        redaction: asked.redaction ?? row.redaction,
        original: original ? 1 : 0,
        filter: asked.filter === undefined ? row.filter : JSON.stringify(asked.filter),
        sealed: await sealSettings(signer, row.id, { ...sealed, settings }),
      };
      await store(async (tx) => {
        if (!(await updateSink(tx, row, change))) throw new CountersignError('conflict');
        const about = { sink: row.id, name: change.name };
        for (const told of changeEvents(about, changed, change.status)) {
          await events.append(tx, succeeded(told, by));
        }
      });
      await delivery.wake(row.id);
      return view({ ...row, ...change, revision: row.revision + 1 });
    },

    async remove(id: string, by: RequestContext) {
      const row = await reader.findStored(id);
      await database.transaction(async (tx) => {
        if (!(await deleteSink(tx, row.id))) throw new CountersignError('sink_unknown');
        await deleteState(tx, row.id);
        await deleteDeadLetters(tx, row.id, 'all');
        await deleteReplays(tx, row.id);
        const data = { sink: row.id, name: row.name };
        await events.append(tx, succeeded({ type: 'sink.removed', data }, by));
      });
      await delivery.wake(row.id);
    },
  };
}

/** Names of what is another than before; `settings.…` for each setting. */
function changedMembers(row: SinkRow, asked: SinkPatch, before: SinkSettings, after: SinkSettings): string[] {
  const current = { ...row, filter: JSON.parse(row.filter), original: row.original === 1 };
  const members = (['name', 'format', 'filter', 'redaction', 'original', 'status'] as const).filter(
    (member) => asked[member] !== undefined && !isDeepStrictEqual(asked[member], current[member]),
  );
  const settings = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `settings.${name}`);
  return [...members, ...settings];
}

function changeEvents(
  about: { readonly sink: string; readonly name: string },
  changed: readonly string[],
  status: SinkRow['status'],
): Change[] {
  const rest = changed.filter((member) => member !== 'status').slice(0, 32);
  return [
    ...(rest.length > 0 ? [{ type: 'sink.changed' as const, data: { ...about, changed: rest } }] : []),
    ...(changed.includes('status')
      ? [{ type: status === 'paused' ? ('sink.paused' as const) : ('sink.resumed' as const), data: about }]
      : []),
  ];
}
