import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as described from '../../bridge/http/routes/admin-sink-schemas.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { openWebhookReceiver, type WebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const PATH = '/admin/v1/sinks';
const soon = { timeout: 30_000, interval: 20 };

let bridge: BridgeFixture;
let token: string;
let receiver: WebhookReceiver;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
});
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(async () => {
  const { body } = await ask('GET', PATH);
  for (const { name } of sinksIn(body)) await ask('DELETE', `${PATH}/${name}`);
  for (const each of receivers.splice(0)) await each.close();
});
afterAll(() => bridge.remove());

const ask = (method: string, path: string, body?: unknown, as = token) => bridge.ask(method, path, body, as);

async function openReceiver(): Promise<WebhookReceiver> {
  const { ca, names } = bridge;
  const network = { ca, names, outbound: undefined as never, close: async () => {} };
  const opened = await openWebhookReceiver(network, { secret: SECRET, now: () => bridge.clock.now() });
  receivers.push(opened);
  return opened;
}

async function add(given: object = {}): Promise<Record<string, unknown>> {
  const settings = { url: receiver.url, secret: SECRET };
  const { status, body } = await ask('POST', PATH, { name: 'soc', kind: 'webhook', settings, ...given });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
}

/** Something that is reported; answers the id of its event. */
async function happen(domain: string): Promise<string> {
  expect((await ask('POST', '/admin/v1/domains', { domain })).status).toBe(201);
  const events = await bridge.events();
  const found = events.find(
    ({ type, subject }) => type === 'domain.added' && (subject as { domain?: string }).domain === domain,
  );
  return String(found?.event_id);
}

const sinksIn = (body: Record<string, unknown>) => body.sinks as { name: string; health: Health }[];

interface Health {
  state: string;
  behind: number;
  delivered: number;
  dead_letters: number;
  failures: number;
  replays: { id: string; status: string }[];
}

async function health(name = 'soc'): Promise<Health> {
  return (await ask('GET', `${PATH}/${name}`)).body.health as Health;
}

describe('an administrator who adds a sink', () => {
  it('is told which kinds there are, with a schema of their settings', async () => {
    const { status, body } = await ask('GET', '/admin/v1/sink-kinds');
    expect(status).toBe(200);
    expect(body.kinds).toContainEqual(
      expect.objectContaining({
        kind: 'webhook',
        secrets: expect.arrayContaining(['secret']),
        settings: expect.objectContaining({ required: ['url', 'secret'] }),
      }),
    );
  });

  it('sees it from then on, but never its secret', async () => {
    const added = await add();
    const shown = await ask('GET', `${PATH}/soc`);
    expect(shown.body).toMatchObject({
      ...{ id: added.id, name: 'soc', kind: 'webhook', format: 'cloudevents', status: 'enabled' },
      settings: { url: receiver.url, secret: { set: true } },
    });
    expect((await ask('GET', `${PATH}/${added.id}`)).body).toMatchObject({ name: 'soc' });
    expect(sinksIn((await ask('GET', PATH)).body).map(({ name }) => name)).toEqual(['soc']);
    expect(JSON.stringify([added, shown.body])).not.toContain(SECRET);
  });

  it('has every later event sent there, in order', async () => {
    await add();
    const first = await happen('one.example');
    const second = await happen('two.example');
    await vi.waitFor(() => expect(receiver.held).toEqual(expect.arrayContaining([first, second])), soon);
    expect(receiver.held.indexOf(first)).toBeLessThan(receiver.held.indexOf(second));
    await vi.waitFor(async () => expect(await health()).toMatchObject({ state: 'ok', behind: 0 }), soon);
    expect(receiver.breaches).toEqual([]);
  });

  it.each([
    ['a kind that there is not', { kind: 'carrier-pigeon' }, 'malformed_request'],
    ['a name that could be an id', { name: 'SOC 1' }, 'malformed_request'],
    ['settings that are missing', { settings: {} }, 'malformed_request'],
    [
      'a setting that there is not',
      { settings: { url: 'https://x.example', colour: 'red' } },
      'malformed_request',
    ],
    ['a format that the kind has not', { format: 'cef' }, 'malformed_request'],
    ['a type that no event has', { filter: { types: ['devise.*'] } }, 'malformed_request'],
    ['a member that there is not', { colour: 'red' }, 'malformed_request'],
  ])('is refused %s', async (_what, given, code) => {
    const settings = { url: receiver.url, secret: SECRET };
    const body = { name: 'soc', kind: 'webhook', settings, ...given };
    const answer = await ask('POST', PATH, body);
    expect(answer.body.code).toBe(code);
    expect(sinksIn((await ask('GET', PATH)).body)).toEqual([]);
  });

  it('is told every fault of the settings, and none of their values', async () => {
    const settings = { url: 'http://siem.example', secret: 'hunter2-hunter2' };
    const { status, body } = await ask('POST', PATH, { name: 'soc', kind: 'webhook', settings });
    expect(status).toBe(400);
    expect(body.detail).toMatch(/url/);
    expect(body.detail).toMatch(/secret/);
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it('cannot take a name that another has', async () => {
    await add();
    const again = await ask('POST', PATH, {
      ...{ name: 'soc', kind: 'webhook', settings: { url: receiver.url, secret: SECRET } },
    });
    expect({ status: again.status, code: again.body.code }).toEqual({ status: 409, code: 'sink_name_taken' });
  });
});

describe('every answer', () => {
  it('is as the document of the API describes it', async () => {
    await add({ filter: { types: ['domain.*'], min_severity: 'low' }, redaction: 'hmac' });
    receiver.failWith({ status: 422, body: 'not with us' });
    await happen('described.example');
    await vi.waitFor(async () => expect(await health()).toMatchObject({ dead_letters: 1 }), soon);
    const replay = await ask('POST', `${PATH}/soc/replays`, { from_seq: 1, to_seq: 2 });
    const answers = [
      [described.sinkKindsSchema, await ask('GET', '/admin/v1/sink-kinds')],
      [described.sinksSchema, await ask('GET', PATH)],
      [described.sinkSchema, await ask('GET', `${PATH}/soc`)],
      [described.replaySchema, replay],
      [described.testedSinkSchema, await ask('POST', `${PATH}/soc/test`)],
      [described.deadLettersSchema, await ask('GET', `${PATH}/soc/dead-letters`)],
    ] as const;
    for (const [schema, { body }] of answers) expect(schema.parse(body)).toEqual(body);
  });
});

describe('a test event', () => {
  it('arrives, and the answer says under which id', async () => {
    await add({ status: 'paused' });
    const { status, body } = await ask('POST', `${PATH}/soc/test`);
    expect({ status, ...body }).toMatchObject({ status: 200, accepted: true, code: null, detail: null });
    expect(receiver.held).toContain(body.event_id);
  });

  it('that does not arrive is an answer with the reason', async () => {
    await add();
    await receiver.close();
    const { status, body } = await ask('POST', `${PATH}/soc/test`);
    expect({ status, ...body }).toMatchObject({ status: 200, accepted: false, detail: expect.any(String) });
    expect(['outbound_failed', 'sink_unavailable']).toContain(body.code);
  });

  it('says what the receiver said, without our secret', async () => {
    receiver.trust(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    await add();
    const { body } = await ask('POST', `${PATH}/soc/test`);
    expect(body).toMatchObject({ accepted: false, code: 'sink_misconfigured' });
    expect(body.detail).toContain('no signature fits');
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });
});

describe('a sink', () => {
  it('that waits for its next try has it at once when a test event arrives', async () => {
    receiver.failAlways({ status: 503, headers: { 'retry-after': '600' }, body: 'later' });
    await add();
    const waiting = await happen('waiting.example');
    await vi.waitFor(async () => expect(await health()).toMatchObject({ state: 'failing' }), soon);
    receiver.failAlways(undefined);
    expect((await ask('POST', `${PATH}/soc/test`)).body).toMatchObject({ accepted: true });
    await vi.waitFor(() => expect(receiver.held).toContain(waiting), soon);
  });

  it('waits while it is paused, and gets all of it afterwards', async () => {
    await add();
    expect((await ask('PATCH', `${PATH}/soc`, { status: 'paused' })).body).toMatchObject({
      status: 'paused',
    });
    const missed = await happen('paused.example');
    expect(await health()).toMatchObject({ state: 'paused' });
    expect(receiver.held).not.toContain(missed);
    await ask('PATCH', `${PATH}/soc`, { status: 'enabled' });
    await vi.waitFor(() => expect(receiver.held).toContain(missed), soon);
  });

  it('keeps what a change does not name, its secret above all', async () => {
    await add();
    const changed = await ask('PATCH', `${PATH}/soc`, {
      ...{ name: 'soc-2', settings: { delivery: 'batch' }, filter: { outcomes: ['failure'] } },
    });
    expect(changed.body).toMatchObject({
      ...{ name: 'soc-2', filter: { outcomes: ['failure'] }, redaction: 'none', original: false },
      settings: { url: receiver.url, delivery: 'batch', secret: { set: true } },
    });
    expect((await ask('POST', `${PATH}/soc-2/test`)).body).toMatchObject({ accepted: true });
  });

  it('that is removed is not there any more', async () => {
    await add();
    expect((await ask('DELETE', `${PATH}/soc`)).status).toBe(204);
    const missed = await happen('removed.example');
    expect(receiver.held).not.toContain(missed);
    expect((await ask('GET', `${PATH}/soc`)).body.code).toBe('sink_unknown');
  });

  it.each([
    ['GET', '', undefined],
    ['PATCH', '', { status: 'paused' }],
    ['DELETE', '', undefined],
    ['POST', '/test', undefined],
    ['POST', '/replays', { from_seq: 1, to_seq: 2 }],
    ['DELETE', '/replays/rpl_x', undefined],
    ['GET', '/dead-letters', undefined],
    ['POST', '/skip', undefined],
    ['POST', '/dead-letters/resend', { seqs: 'all' }],
    ['POST', '/dead-letters/discard', { seqs: 'all' }],
  ])('that there is not cannot be asked anything: %s %s', async (method, rest, body) => {
    const answer = await ask(method, `${PATH}/nowhere${rest}`, body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 404, code: 'sink_unknown' });
  });
});

describe('an event that the receiver refuses', () => {
  async function refusedEvent(domain: string): Promise<void> {
    await add();
    receiver.failAlways({ status: 422, body: 'not with us' });
    await happen(domain);
    await vi.waitFor(async () => expect((await health()).dead_letters).toBeGreaterThan(0), soon);
    receiver.failAlways(undefined);
  }

  it('is laid aside with the receiver’s words, and arrives when it is sent again', async () => {
    await refusedEvent('refused.example');
    const { body } = await ask('GET', `${PATH}/soc/dead-letters`);
    const letters = body.dead_letters as { seq: number; event_id: string; words: string }[];
    expect(letters[0]?.words).toContain('not with us');
    const resent = await ask('POST', `${PATH}/soc/dead-letters/resend`, { seqs: [letters[0]?.seq] });
    expect(resent.body).toEqual({ resent: 1 });
    await vi.waitFor(() => expect(receiver.held).toContain(letters[0]?.event_id), soon);
    // what is reported of the refusal may have been refused too, a moment later
    await vi.waitFor(async () => {
      await ask('POST', `${PATH}/soc/dead-letters/resend`, { seqs: 'all' });
      expect((await health()).dead_letters).toBe(0);
    }, soon);
  });

  it('can be given up', async () => {
    await refusedEvent('given-up.example');
    let discarded = 0;
    // what is reported of the refusal may have been refused too, a moment later
    await vi.waitFor(async () => {
      const { body } = await ask('POST', `${PATH}/soc/dead-letters/discard`, { seqs: 'all' });
      discarded += Number(body.discarded);
      expect((await ask('GET', `${PATH}/soc/dead-letters`)).body).toMatchObject({ dead_letters: [] });
    }, soon);
    expect(discarded).toBeGreaterThan(0);
  });

  it('is asked for by its seq, and one that is not there is said so', async () => {
    await add();
    for (const act of ['resend', 'discard']) {
      const answer = await ask('POST', `${PATH}/soc/dead-letters/${act}`, { seqs: [999_999] });
      expect({ status: answer.status, code: answer.body.code }).toEqual({
        status: 404,
        code: 'dead_letter_unknown',
      });
      for (const seqs of [[], [0], ['1'], 'none']) {
        expect((await ask('POST', `${PATH}/soc/dead-letters/${act}`, { seqs })).body.code).toBe(
          'malformed_request',
        );
      }
    }
    for (const query of ['limit=0', 'limit=9999', 'after=-1', 'colour=red']) {
      const answer = await ask('GET', `${PATH}/soc/dead-letters?${query}`);
      expect({ query, code: answer.body.code }).toEqual({ query, code: 'malformed_request' });
    }
  });
});

describe('a replay', () => {
  it('brings events once more, by their seq', async () => {
    const before = await happen('before.example');
    await add();
    const seq = (await bridge.events()).find(({ event_id }) => event_id === before)?.seq;
    const started = await ask('POST', `${PATH}/soc/replays`, { from_seq: seq, to_seq: seq });
    expect(started).toMatchObject({ status: 201, body: { from_seq: seq, to_seq: seq } });
    await vi.waitFor(() => expect(receiver.held).toContain(before), soon);
    await vi.waitFor(async () => expect((await health()).replays[0]?.status).toBe('finished'), soon);
    const over = await ask('DELETE', `${PATH}/soc/replays/${started.body.id}`);
    expect(over.body.code).toBe('replay_unknown');
  });

  it.each([
    ['nothing', {}],
    ['half a range', { from_seq: 1 }],
    ['two ranges', { from_seq: 1, to_seq: 2, from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }],
    ['no event', { from_seq: 0, to_seq: 2 }],
    ['a range that ends before it begins', { from_seq: 3, to_seq: 2 }],
    ['a day', { from: '2026-01-01', to: '2026-01-02' }],
  ])('is not asked for by %s', async (_what, range) => {
    await add();
    const answer = await ask('POST', `${PATH}/soc/replays`, range);
    expect(answer.body.code).toBe('malformed_request');
  });
});

describe('the roles', () => {
  async function tokenOf(role: string): Promise<string> {
    const { body } = await ask('POST', '/admin/v1/tokens', { name: role, roles: [role] });
    return String(body.token);
  }

  it('let an auditor read and change nothing, and a SIEM’s token neither', async () => {
    await add();
    const auditor = await tokenOf('auditor');
    const siem = await tokenOf('siem');
    for (const path of ['/admin/v1/sink-kinds', PATH, `${PATH}/soc`, `${PATH}/soc/dead-letters`]) {
      expect((await ask('GET', path, undefined, auditor)).status).toBe(200);
      expect((await ask('GET', path, undefined, siem)).body.code).toBe('forbidden');
    }
    for (const [method, path, body] of [
      ['POST', PATH, { name: 'x', kind: 'webhook' }],
      ['PATCH', `${PATH}/soc`, { status: 'paused' }],
      ['DELETE', `${PATH}/soc`, undefined],
      ['POST', `${PATH}/soc/test`, undefined],
      ['POST', `${PATH}/soc/skip`, undefined],
      ['POST', `${PATH}/soc/replays`, { from_seq: 1, to_seq: 1 }],
      ['POST', `${PATH}/soc/dead-letters/resend`, { seqs: 'all' }],
      ['POST', `${PATH}/soc/dead-letters/discard`, { seqs: 'all' }],
    ] as const) {
      expect((await ask(method, path, body, auditor)).body.code).toBe('forbidden');
    }
    expect((await ask('GET', `${PATH}/soc`)).body).toMatchObject({ status: 'enabled' });
  });
});
