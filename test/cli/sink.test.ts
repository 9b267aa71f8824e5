import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { openWebhookReceiver, type WebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';
import { SOON } from '../fakes/soon.ts';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let bridge: BridgeFixture;
let terminal: RecordedTerminal;
let receiver: WebhookReceiver;

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
  const { url } = await bridge.running.services.administrators.createLink();
  await run('admin', 'claim', url, '--name', 'Ada');
});
beforeEach(async () => {
  const { ca, names } = bridge;
  const network = { ca, names, outbound: undefined as never, close: async () => {} };
  receiver = await openWebhookReceiver(network, { secret: SECRET, now: () => bridge.clock.now() });
});
afterEach(async () => {
  await run('sink', 'remove', 'soc', '--yes');
  await receiver.close();
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

const run = (...args: string[]) => terminal.run(args);
const json = async (...args: string[]) => JSON.parse((await run('sink', ...args, '--json')).out);
const add = (...more: string[]) =>
  terminal.run(
    [
      'sink',
      'add',
      'webhook',
      '--name',
      'soc',
      '--set',
      `url=${receiver.url}`,
      '--secret',
      'secret',
      ...more,
    ],
    { piped: [SECRET] },
  );

describe('an administrator at the command line', () => {
  it('is told which kinds there are, and what one of them wants', async () => {
    expect((await run('sink', 'kinds')).out).toMatch(/^KIND +FORMATS +FOR\n/);
    const { out } = await run('sink', 'kinds', 'webhook');
    expect(out).toMatch(/^url +text +required +Where events are posted to\.$/m);
    expect(out).toMatch(/^secret +secret +required /m);
    expect(out).toMatch(/^delivery +single or batch +single /m);
    expect(out).toContain('countersign sink add webhook --name NAME --set url=… --secret secret');
    const unknown = await run('sink', 'kinds', 'carrier-pigeon');
    expect(unknown.code).toBe(2);
    expect(unknown.said).toContain('There is no kind “carrier-pigeon”, but');
  });

  it('adds a sink, its secret typed unseen, and is told what to do next', async () => {
    const args = ['sink', 'add', 'webhook', '--name', 'soc', '--set', `url=${receiver.url}`];
    const { code, out, said } = await terminal.run([...args, '--secret', 'secret'], { answers: [SECRET] });
    expect({ code, said }).toEqual({ code: 0, said: 'secret: ' });
    expect(out).toMatch(/^Added\.\n\nname: +soc$/m);
    expect(out).toMatch(/^ {2}secret: +\(a secret, kept\)$/m);
    expect(out).toContain('Next: countersign sink test soc');
    expect(out).not.toContain(SECRET);
  });

  it('is told what is missing, and what is wrong, before anything is kept', async () => {
    const missing = await run('sink', 'add', 'webhook', '--name', 'soc');
    expect(missing.code).toBe(2);
    expect(missing.said).toContain('webhook needs --set url=URL --secret secret.');
    const wrong = await terminal.run(
      ['sink', 'add', 'webhook', '--name', 'soc', '--set', 'url=http://x.example', '--secret', 'secret'],
      { piped: ['hunter2'] },
    );
    expect(wrong.code).toBe(1);
    expect(wrong.said).toMatch(/url/);
    expect(wrong.said).toMatch(/whsec_/);
    expect(wrong.said).toContain('code malformed_request');
    expect(wrong.said).not.toContain('hunter2');
    const argument = await run('sink', 'add', 'webhook', '--name', 'soc', '--set', 'secret=hunter2');
    expect(argument.said).toContain('secret is a secret');
    expect(argument.said).not.toContain('hunter2');
    expect((await json('list')).sinks).toEqual([]);
    expect((await run('sink', 'list')).out).toContain('There are none. See `countersign sink kinds`');
  });

  it('tests it, and is told how long it took or why it failed', async () => {
    await add();
    const good = await run('sink', 'test', 'soc');
    expect(good).toMatchObject({ code: 0, said: '' });
    expect(good.out).toMatch(
      /^The test event arrived after [\d.]+ m?s\.\nFind it there by type sink\.tested or id /,
    );
    expect(receiver.held).toContain(good.out.split(' ').at(-1)?.replace('.', ''));
    await receiver.close();
    const bad = await run('sink', 'test', 'soc');
    expect(bad).toMatchObject({ code: 3, out: '' });
    expect(bad.said).toMatch(/The test event did not arrive: .+\n(.+\n)?\(code \w+, after /);
    const asJson = await run('sink', 'test', 'soc', '--json');
    expect(asJson.code).toBe(3);
    expect(JSON.parse(asJson.out)).toMatchObject({ accepted: false });
  });

  it('sees at a glance how it stands', async () => {
    await add();
    await run('domain', 'add', 'glance.example');
    await vi.waitFor(
      async () => expect((await run('sink', 'list')).out).toMatch(/^soc +webhook +ok +0 /m),
      SOON,
    );
    await run('sink', 'pause', 'soc');
    expect((await run('sink', 'list')).out).toMatch(/^soc: is paused\. /m);
    expect((await run('sink', 'resume', 'soc')).out).toMatch(/^soc goes on; \d+ wait\.$/);
  });

  it('sees what the receiver says that takes nothing, and what to do', async () => {
    receiver.failAlways({ status: 403, body: 'who are you?' });
    await add();
    await run('domain', 'add', 'failing.example');
    await vi.waitFor(
      async () =>
        expect((await run('sink', 'list')).out).toMatch(
          /^soc: failed .*, last at .*Z\n {2}sink_misconfigured: .*who are you\?.*\n {2}Change its settings with `countersign sink set soc`/m,
        ),
      SOON,
    );
    expect((await run('sink', 'show', 'soc')).out).toContain('who are you?');
  });

  it('changes settings and filter, each by itself', async () => {
    await add('--type', 'device.*', '--outcome', 'failure');
    expect((await run('sink', 'set', 'soc', '--set', 'delivery=batch')).out).toMatch(
      /^events: +device\.\*; outcome failure$/m,
    );
    await run('sink', 'set', 'soc', '--min-severity', 'high', '--redaction', 'hmac', '--format', 'ocsf');
    expect(await json('show', 'soc')).toMatchObject({
      ...{ format: 'ocsf', redaction: 'hmac', settings: { delivery: 'batch' } },
      filter: { types: ['device.*'], outcomes: ['failure'], min_severity: 'high' },
    });
    expect((await run('sink', 'set', 'soc', '--original')).out).toMatch(/^original: +stands in each event$/m);
    await run('sink', 'set', 'soc', '--no-original');
    expect(await json('show', 'soc')).toMatchObject({ original: false });
    expect((await run('sink', 'kinds', 'webhook')).out).toMatch(
      /^--original: +for ocsf, ecs: copies can be proven with it/m,
    );
    expect((await run('sink', 'set', 'soc', '--everything')).out).toMatch(/^events: +all$/m);
    const nothing = await run('sink', 'set', 'soc');
    expect(nothing.code).toBe(2);
    expect(nothing.said).toContain('Say what to change');
  });

  it('gives the secrets anew where a sink is to send them elsewhere', async () => {
    await add();
    const url = `url=${receiver.url}/elsewhere`;
    const alone = await run('sink', 'set', 'soc', '--set', url);
    expect(alone.code).toBe(2);
    expect(alone.said).toContain(
      'Another url takes the secrets elsewhere: give them anew with --secret secret, or take them away with --unset.',
    );
    expect((await json('show', 'soc')).settings.url).toBe(receiver.url);
    const args = ['sink', 'set', 'soc', '--set', url, '--secret', 'secret'];
    expect((await terminal.run(args, { piped: [SECRET] })).code).toBe(0);
    expect((await json('show', 'soc')).settings.url).toBe(`${receiver.url}/elsewhere`);
    expect((await run('sink', 'set', 'soc', '--set', url, '--set', 'delivery=batch')).code).toBe(0);
  });

  it('is asked before a sink is removed, and told what is lost', async () => {
    await add();
    await run('sink', 'pause', 'soc');
    await run('domain', 'add', 'lost.example');
    await bridge.events();
    const alone = await run('sink', 'remove', 'soc');
    expect(alone.code).toBe(2);
    expect(alone.said).toMatch(
      /soc will get no events any more, nor (one event|\d+ events) that waits?\. Add --yes/,
    );
    const no = await terminal.run(['sink', 'remove', 'soc'], { answers: ['no'] });
    expect(no.code).toBe(2);
    expect((await json('list')).sinks).toHaveLength(1);
    expect((await run('sink', 'remove', 'soc', '--yes')).out).toBe('Removed soc.');
    const gone = await run('sink', 'show', 'soc');
    expect(gone.said).toContain('See `countersign sink list`.');
  });
});

describe('events that did not arrive', () => {
  it('are shown with the receiver’s words, sent again or forgotten', async () => {
    await add();
    receiver.failAlways({ status: 422, body: 'not with us' });
    await run('domain', 'add', 'refused.example');
    await vi.waitFor(
      async () => expect((await json('show', 'soc')).health.dead_letters).toBeGreaterThan(0),
      SOON,
    );
    expect((await run('sink', 'list')).out).toMatch(
      /^soc: the receiver refuses .*sink dead-letters soc`\.$/m,
    );
    const { out } = await run('sink', 'dead-letters', 'soc');
    expect(out).toMatch(/^SEQ +REFUSED +TIMES +EVENT ID +THE RECEIVER SAID\n\d+ .*not with us/);
    expect(out).toContain('Again: countersign sink resend soc --all');
    receiver.failAlways(undefined);
    // what is reported of the refusal may have been refused too, a moment later
    await vi.waitFor(async () => {
      expect((await run('sink', 'resend', 'soc', '--all')).out).toMatch(/^\d+ will be sent again\./);
      expect((await run('sink', 'dead-letters', 'soc')).out).toContain('There are none');
    }, SOON);
  });

  it('are forgotten only when asked twice', async () => {
    await add();
    receiver.failAlways({ status: 422, body: 'not with us' });
    await run('domain', 'add', 'forgotten.example');
    await vi.waitFor(
      async () => expect((await json('show', 'soc')).health.dead_letters).toBeGreaterThan(0),
      SOON,
    );
    expect((await run('sink', 'discard', 'soc')).said).toContain(
      'Name the events by their seq, or give --all.',
    );
    expect((await run('sink', 'skip', 'nowhere')).said).toContain('There is no such sink.');
    const alone = await run('sink', 'discard', 'soc', '--all');
    expect(alone.said).toContain('soc will never get all its dead letters. Add --yes');
    expect((await run('sink', 'discard', 'soc', '--all', '--yes')).out).toMatch(
      /^\d+ forgotten; the event log/,
    );
  });

  it('are brought once more by a replay, whose range is named in one way', async () => {
    await run('domain', 'add', 'replayed.example');
    await add();
    const replayed = await run('sink', 'replay', 'soc', '--from-seq', '1', '--to-seq', '3');
    expect(replayed.out).toMatch(/^\S+ brings events 1 to 3 once more\. See `countersign sink show soc`\.$/);
    await vi.waitFor(
      async () =>
        expect((await run('sink', 'show', 'soc')).out).toMatch(
          /^REPLAY +EVENTS +DONE TO .*\n\S+ +1 to 3 +3 +finished/m,
        ),
      SOON,
    );
    for (const [args, words] of [
      [[], 'Say from where'],
      [['--from-seq', '1'], 'both are needed'],
      [['--from-seq', '1', '--to', '2026-01-01'], 'Say from where'],
      [['--from-seq', 'one', '--to-seq', '2'], '--from-seq is a whole number'],
      [['--from', 'yesterday'], '--from is a time'],
    ] as const) {
      const wrong = await run('sink', 'replay', 'soc', ...args);
      expect({ code: wrong.code, said: wrong.said }).toEqual({
        code: 2,
        said: expect.stringContaining(words),
      });
    }
    expect((await run('sink', 'replay', 'soc', '--cancel', 'none')).said).toContain('replay_unknown');
  });
});
