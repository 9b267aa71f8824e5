import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchBuffers } from '../../bridge/events/delivery/buffer-watch.ts';
import type { SinkInput } from '../../bridge/events/sinks/sinks.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { faults } from '../fakes/fake-receiver.ts';
import { prune, soon } from './delivery-fixture.ts';
import { BY, type SinksFixture, sinksFixture } from './sinks-fixture.ts';

let fixture: SinksFixture;

beforeEach(async () => {
  fixture = await sinksFixture();
});
afterEach(() => fixture.remove());

const url = 'https://siem.example/';
const input: SinkInput = { name: 'siem', kind: 'fake', settings: { url, token: 'hunter2!' } };
const people = { types: ['person.*'] };

const malformed = (detail: RegExp) => ({ code: 'malformed_request', detail: expect.stringMatching(detail) });

describe('a sink that an administrator makes', () => {
  it('begins at the newest event, and gets what comes', async () => {
    await fixture.append(3);
    const { id } = await fixture.sinks.create({ ...input, filter: people }, BY);
    expect(id).toMatch(/^snk_[0-9a-f]{20}$/);
    await fixture.append(1);
    await vi.waitFor(() => expect(fixture.receiver.taken).toHaveLength(1), soon);
    expect(fixture.receiver.seqs[0]).toBeGreaterThan(3);
  });

  it('gets everything from the beginning, if that is asked for', async () => {
    await fixture.append(3);
    await fixture.sinks.create({ ...input, filter: people, from: 'beginning' }, BY);
    await vi.waitFor(() => expect(fixture.receiver.seqs).toEqual([1, 2, 3]), soon);
  });

  it('begins, if that is asked for, with the first event that is kept, however many wait for it', async () => {
    const { database, log, sinks } = fixture;
    await fixture.append(6);
    await prune({ database }, 2);
    const { id } = await sinks.create({ ...input, filter: people, from: 'beginning', status: 'paused' }, BY);
    await watchBuffers({ database, log, clock: systemClock }, [{ id, name: 'siem' }], 1);
    await sinks.change(id, { status: 'enabled' }, BY);
    await vi.waitFor(() => expect(fixture.receiver.seqs).toEqual([3, 4, 5, 6]), soon);
    expect(await fixture.reported('sink.overflowed')).toEqual([]);
    expect(await fixture.reported('sink.created')).toMatchObject([{ data: { sink: id, from_seq: 3 } }]);
  });

  it('is opened with its secrets, and never shows them', async () => {
    const made = await fixture.sinks.create({ ...input, status: 'paused' }, BY);
    expect(fixture.opened.at(-1)).toEqual({ url, token: 'hunter2!' });
    expect(made.settings).toEqual({ url, token: { set: true } });
    const shown = [await fixture.sinks.get('siem'), ...(await fixture.sinks.list())];
    await fixture.log.settled();
    const events = await fixture.log.page({ since: 0, limit: 100 });
    const rows = await fixture.database.read((query) => query.selectFrom('sinks').selectAll().execute());
    const text = JSON.stringify([made, shown, events, rows]);
    expect(text).not.toContain('hunter2');
    expect(Buffer.from(rows[0]?.sealed ?? []).toString('latin1')).not.toContain('hunter2');
  });

  it('is refused with every fault of what was given, and no value of it', async () => {
    const given = { ...input, settings: { url: 'hunter2', token: 'abc', more: 1 } };
    const fault = await fixture.sinks.create(given, BY).catch((error: unknown) => error);
    expect(fault).toMatchObject(malformed(/settings\.url: .*settings\.token: .*settings: .*more/));
    expect(String(fault)).not.toContain('hunter2');
    expect(await fixture.sinks.list()).toHaveLength(1);
  });

  it.each([
    ['a kind that there is not', { kind: 'pigeon' }, /^kind/],
    ['a format that the kind does not have', { format: 'cef' as const }, /^format/],
    ['originals in a format that holds all', { original: true }, /^original: plain/],
    ['settings that contradict each other', { settings: { url, contradicts: true } }, /contradicts/],
    ['a type that no event has', { filter: { types: ['person.closd'] } }, /filter\.types\.0/],
    ['a name that could be an option', { name: '-v' }, /^name/],
    ['a name that could be an id', { name: 'snk_1' }, /^name/],
    ['an unknown member', { formatt: 'plain' } as object, /formatt/],
  ])('cannot have %s', async (_, change, detail) => {
    await expect(fixture.sinks.create({ ...input, ...change }, BY)).rejects.toMatchObject(malformed(detail));
  });

  it('has a name of its own', async () => {
    await fixture.sinks.create(input, BY);
    await expect(fixture.sinks.create(input, BY)).rejects.toMatchObject({ code: 'sink_name_taken' });
    await expect(fixture.sinks.create({ ...input, name: 'stdout' }, BY)).rejects.toMatchObject({
      code: 'sink_name_taken',
    });
    await fixture.sinks.create({ ...input, name: 'other' }, BY);
    await expect(fixture.sinks.change('other', { name: 'siem' }, BY)).rejects.toMatchObject({
      code: 'sink_name_taken',
    });
  });

  it('is one of at most twenty', async () => {
    for (let i = 0; i < 20; i += 1) {
      await fixture.sinks.create({ ...input, name: `siem-${i}`, status: 'paused' }, BY);
    }
    await expect(fixture.sinks.create(input, BY)).rejects.toMatchObject({ code: 'sink_limit' });
  });

  it('is an event, without its settings', async () => {
    const { id } = await fixture.sinks.create(input, BY);
    await fixture.sinks.change(id, { settings: { token: 'another!' }, redaction: 'drop' }, BY);
    await fixture.sinks.change(id, { status: 'paused' }, BY);
    await fixture.sinks.change(id, { status: 'enabled' }, BY);
    await fixture.sinks.remove(id, BY);
    const about = { sink: id, name: 'siem' };
    expect(await fixture.reported('sink.created')).toMatchObject([{ actor: BY.actor, data: about }]);
    expect(await fixture.reported('sink.changed')).toMatchObject([
      { data: { ...about, changed: ['redaction', 'settings.token'] } },
    ]);
    expect(await fixture.reported('sink.paused')).toMatchObject([{ data: about }]);
    expect(await fixture.reported('sink.resumed')).toMatchObject([{ data: about }]);
    expect(await fixture.reported('sink.removed')).toMatchObject([{ data: about }]);
  });
});

describe('a change of a sink', () => {
  it('has events carry their originals from then on, and no more', async () => {
    const { id, original } = await fixture.sinks.create({ ...input, format: 'ecs', status: 'paused' }, BY);
    expect(original).toBe(false);
    expect(await fixture.sinks.change(id, { original: true }, BY)).toMatchObject({ original: true });
    expect(fixture.carries).toBe(true);
    expect(await fixture.sinks.get(id)).toMatchObject({ format: 'ecs', original: true });
    await expect(fixture.sinks.change(id, { format: 'plain' }, BY)).rejects.toMatchObject(
      malformed(/^original: plain/),
    );
    await fixture.sinks.change(id, { format: 'plain', original: false }, BY);
    expect(fixture.carries).toBe(false);
    expect(await fixture.reported('sink.changed')).toMatchObject([
      { data: { changed: ['original'] } },
      { data: { changed: ['format', 'original'] } },
    ]);
  });

  it('replaces settings one by one, and leaves a secret that comes as it was shown', async () => {
    const { id, settings } = await fixture.sinks.create({ ...input, status: 'paused' }, BY);
    await fixture.sinks.change(id, { settings: { ...settings, contradicts: false } }, BY);
    expect(fixture.opened.at(-1)).toEqual({ url, token: 'hunter2!' });
    const { settings: shown } = await fixture.sinks.change(id, { settings: { token: null } }, BY);
    expect(shown).toEqual({ url, contradicts: false });
    expect(fixture.opened.at(-1)).toEqual({ url, token: undefined });
  });

  it.each([
    ['alone', {}],
    ['with the secret as it was shown', { token: { set: true } }],
  ])('takes no kept secret to another address that comes %s', async (_how, rest) => {
    const { id } = await fixture.sinks.create({ ...input, status: 'paused' }, BY);
    const elsewhere = { url: 'https://elsewhere.example/', ...rest };
    await expect(fixture.sinks.change(id, { settings: elsewhere }, BY)).rejects.toMatchObject(
      malformed(/settings\.url.*send settings\.token anew/),
    );
    expect((await fixture.sinks.get(id)).settings).toEqual({ url, token: { set: true } });
    expect(fixture.opened.map((each) => each.url)).not.toContain(elsewhere.url);
  });

  it.each([['another!'], [null]])(
    'goes to another address with the secret given anew as %j',
    async (token) => {
      const { id } = await fixture.sinks.create({ ...input, status: 'paused' }, BY);
      const next = 'https://other.example/';
      await fixture.sinks.change(id, { settings: { url: next, token } }, BY);
      expect(fixture.opened.at(-1)).toEqual({ url: next, token: token ?? undefined });
      await fixture.sinks.change(id, { settings: { url: next, contradicts: false } }, BY);
      expect(fixture.opened.at(-1)).toEqual({ url: next, token: token ?? undefined });
    },
  );

  it('counts at once, in the middle of a long wait', async () => {
    fixture.receiver.fault = faults.unavailable(600);
    const { id } = await fixture.sinks.create({ ...input, filter: people }, BY);
    await fixture.append(1);
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).health.state).toBe('failing'), soon);
    fixture.receiver.fault = undefined;
    await fixture.sinks.change(id, { settings: { token: 'the right one' } }, BY);
    await vi.waitFor(() => expect(fixture.receiver.taken).toHaveLength(1), soon);
    expect(fixture.opened.at(-1)?.token).toBe('the right one');
  });

  it('counts in every replica, and nothing is left out nor doubled', async () => {
    const other = await fixture.replica();
    const { id } = await fixture.sinks.create({ ...input, filter: people }, BY);
    await fixture.append(1);
    await vi.waitFor(() => expect(fixture.receiver.taken).toHaveLength(1), soon);
    await other.change(id, { status: 'paused' }, BY);
    await vi.waitFor(() => expect(fixture.receiver.closed).toBe(fixture.receiver.opened), soon);
    await fixture.append(1);
    await fixture.sinks.change(id, { status: 'enabled' }, BY);
    await vi.waitFor(() => expect(fixture.receiver.taken).toHaveLength(2), soon);
    expect(new Set(fixture.receiver.seqs).size).toBe(2);
  });

  it('leaves no worker of before that opens the sink with the new settings and its old redaction', async () => {
    const { id } = await fixture.sinks.create({ ...input, status: 'paused' }, BY);
    const before = await fixture.definition(id);
    await fixture.sinks.change(
      id,
      { redaction: 'drop', settings: { url: 'https://other.example/', token: 'another!' } },
      BY,
    );
    await expect(before.open()).rejects.toMatchObject({ code: 'sink_unavailable' });
    await expect((await fixture.definition(id)).open()).resolves.toBeDefined();
  });

  it('leaves no worker of before that opens a sink that was removed', async () => {
    const { id } = await fixture.sinks.create({ ...input, status: 'paused' }, BY);
    const before = await fixture.definition(id);
    await fixture.sinks.remove(id, BY);
    const { opened } = fixture.receiver;
    await expect(before.open()).rejects.toMatchObject({ code: 'sink_unavailable' });
    expect(fixture.receiver.opened).toBe(opened);
  });

  it('is not possible for a sink of the configuration, nor for none', async () => {
    const { sinks } = fixture;
    await expect(sinks.change('stdout', { status: 'paused' }, BY)).rejects.toMatchObject(malformed(/stdout/));
    await expect(sinks.remove('stdout', BY)).rejects.toMatchObject(malformed(/stdout/));
    const asked = [sinks.get('none'), sinks.change('none', {}, BY), sinks.remove('none', BY)];
    await Promise.all(asked.map((each) => expect(each).rejects.toMatchObject({ code: 'sink_unknown' })));
  });

  it('that removes it ends it, with all that was kept for it', async () => {
    fixture.receiver.refuse = () => 'no';
    const { id } = await fixture.sinks.create({ ...input, filter: people }, BY);
    await fixture.append(1);
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).health.dead_letters).toBe(1), soon);
    await fixture.sinks.remove(id, BY);
    await expect(fixture.sinks.get(id)).rejects.toMatchObject({ code: 'sink_unknown' });
    await vi.waitFor(() => expect(fixture.receiver.closed).toBe(fixture.receiver.opened), soon);
    const left = await fixture.database.read((query) =>
      query.selectFrom('sink_dead_letters').select('sink').where('sink', '=', id).execute(),
    );
    expect(left).toEqual([]);
  });
});

describe('the list', () => {
  it('has the sink of the configuration, which takes everything', async () => {
    await fixture.append(2);
    await vi.waitFor(() => expect(fixture.builtin.seqs).toEqual([1, 2]), soon);
    await vi.waitFor(
      async () =>
        expect((await fixture.sinks.get('stdout')).health).toMatchObject({ behind: 0, delivered: 2 }),
      soon,
    );
    const [stdout] = await fixture.sinks.list();
    expect(stdout).toMatchObject({ name: 'stdout', builtin: true, status: 'enabled' });
    expect(stdout?.health).toMatchObject({ state: 'ok', lag_seconds: null, buffer_percent: 0, failures: 0 });
  });

  it('shows what is wrong with a sink, and how far it is behind', async () => {
    fixture.receiver.fault = faults.misconfigured();
    const { id } = await fixture.sinks.create({ ...input, filter: people }, BY);
    await fixture.append(5);
    await vi.waitFor(
      async () => expect((await fixture.sinks.get(id)).health.failures).toBeGreaterThan(0),
      soon,
    );
    const { health } = await fixture.sinks.get(id);
    expect(health).toMatchObject({
      state: 'failing',
      last_error: { code: 'sink_misconfigured', detail: '401: invalid token' },
      last_success: null,
    });
    expect(health.behind).toBeGreaterThanOrEqual(5);
    expect(health.lag_seconds).toBeGreaterThanOrEqual(0);
  });

  it('has one whose seal is broken, which says so and can be removed', async () => {
    const { id } = await fixture.sinks.create({ ...input, filter: people }, BY);
    await fixture.database.transaction((tx) =>
      tx
        .updateTable('sinks')
        .set({ sealed: new Uint8Array(80), revision: 2 })
        .execute(),
    );
    await vi.waitFor(
      async () => {
        // anew each time: what was there may have been taken by the worker that could still read the settings
        await fixture.append(1);
        const [siem] = await fixture.sinks.list();
        expect(siem).toMatchObject({ settings: {}, health: { last_error: { code: 'sink_misconfigured' } } });
      },
      { ...soon, interval: 100 },
    );
    await fixture.sinks.remove(id, BY);
  });

  it('describes the kinds for whoever fills in their settings', () => {
    expect(fixture.sinks.kinds()).toMatchObject([
      {
        ...{ kind: 'fake', formats: ['plain', 'ecs'], secrets: ['token'] },
        settings: { required: ['url'], properties: { url: { description: 'Where' } } },
      },
    ]);
  });
});
