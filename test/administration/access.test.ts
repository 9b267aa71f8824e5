import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

let bridge: BridgeFixture;

beforeAll(async () => {
  bridge = await bridgeFixture();
});
afterAll(() => bridge.remove());

async function newLink(): Promise<string> {
  const { url } = await bridge.running.services.administrators.createLink();
  return new URL(url).hash.slice(1);
}

const claim = (token: string, name = 'Ada') => bridge.ask('POST', '/admin/v1/bootstrap', { token, name });
const list = (token: string) => bridge.ask('GET', '/admin/v1/tokens', undefined, token);

describe('a one-time link', () => {
  it('points at the issuer, with its secret where no server or proxy sees it', async () => {
    const { url, expires } = await bridge.running.services.administrators.createLink();
    expect(url).toMatch(new RegExp(`^${bridge.issuer}/admin/bootstrap#[\\w-]{43}$`));
    expect(expires).toBe(Math.floor(bridge.clock.now() / 1000) + 900);
  });

  it('makes a token that opens the admin API, and says so in an event without the token', async () => {
    const answer = await claim(await newLink());
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ name: 'Ada', token: expect.stringMatching(/^csadm_[\w-]{43}$/) });
    expect((await list(String(answer.body.token))).status).toBe(200);
    const last = (await bridge.events()).at(-1);
    expect(last).toMatchObject({ type: 'admin.bootstrapped', data: { id: answer.body.id, name: 'Ada' } });
    expect(JSON.stringify(await bridge.events())).not.toContain(answer.body.token);
  });

  it('is of no use the second time, even to two at once', async () => {
    const link = await newLink();
    const answers = await Promise.all([claim(link), claim(link), claim(link)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
    expect((await claim(link)).body.code).toBe('bootstrap_invalid');
  });

  it('is of no use after its time', async () => {
    const link = await newLink();
    bridge.clock.advance(15 * 60_000);
    expect((await claim(link)).body.code).toBe('bootstrap_invalid');
  });
});

describe('an administrator’s token', () => {
  it('is stored as a hash only', async () => {
    const token = await bridge.administrator();
    const rows = await bridge.inStore((database) =>
      database.read((query) => query.selectFrom('administrator_tokens').selectAll().execute()),
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(JSON.stringify((await list(token)).body)).not.toContain(token);
  });

  it('ends after twelve hours, or when it was made to', async () => {
    const token = await bridge.administrator();
    const made = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Bo', expiresIn: 3_600 }, token);
    expect(made.status).toBe(201);
    bridge.clock.advance(3_600_000);
    expect((await list(String(made.body.token))).body.code).toBe('unauthenticated');
    expect((await list(token)).status).toBe(200);
    bridge.clock.advance(11 * 3_600_000);
    expect((await list(token)).body.code).toBe('unauthenticated');
  });

  it('does not outlive the token that it was made with', async () => {
    const token = await bridge.administrator();
    bridge.clock.advance(3_600_000);
    const asked = { name: 'Mallory', expiresIn: 90 * 86_400 };
    const { status, body } = await bridge.ask('POST', '/admin/v1/tokens', asked, token);
    expect(status).toBe(201);
    expect(Number(body.expires) - Number(body.created)).toBe(11 * 3_600);
  });

  it('takes what was made with it along when it is revoked, with an event each', async () => {
    const owner = await bridge.administrator('Owner');
    const stolen = await claim(await newLink(), 'Stolen');
    const make = async (name: string, by: unknown) =>
      (await bridge.ask('POST', '/admin/v1/tokens', { name }, String(by))).body;
    const child = await make('Child', stolen.body.token);
    const grandchild = await make('Grandchild', child.token);
    const path = `/admin/v1/tokens/${String(stolen.body.id)}`;
    expect((await bridge.ask('DELETE', path, undefined, owner)).status).toBe(204);
    for (const { token } of [stolen.body, child, grandchild]) {
      expect((await list(String(token))).body.code).toBe('unauthenticated');
    }
    expect((await list(owner)).status).toBe(200);
    const revoked = (await bridge.events()).filter(({ type }) => type === 'admin.token_revoked').slice(-3);
    const ids = revoked.map(({ data }) => (data as { id: string }).id);
    expect(ids).toEqual([stolen.body.id, child.id, grandchild.id]);
  });

  it('lives longer where the link that makes it says so, which only the bridge’s machine can', async () => {
    const tokenLife = 90 * 86_400;
    const { url } = await bridge.running.services.administrators.createLink({ tokenLife });
    const { body } = await claim(new URL(url).hash.slice(1), 'SIEM');
    expect(Number(body.expires) - Number(body.created)).toBe(tokenLife);
  });

  it('cannot be made for longer than ninety days', async () => {
    const token = await bridge.administrator();
    const asked = { name: 'SIEM', expiresIn: 91 * 86_400 };
    expect((await bridge.ask('POST', '/admin/v1/tokens', asked, token)).body.code).toBe('malformed_request');
  });

  it('ends at once when it is revoked', async () => {
    const token = await bridge.administrator();
    const { body } = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Bo' }, token);
    const path = `/admin/v1/tokens/${String(body.id)}`;
    expect((await bridge.ask('DELETE', path, undefined, token)).status).toBe(204);
    expect((await list(String(body.token))).body.code).toBe('unauthenticated');
    expect((await bridge.ask('DELETE', path, undefined, token)).body.code).toBe('token_unknown');
  });

  it('survives a restart of the bridge', async () => {
    const token = await bridge.administrator();
    await bridge.restart();
    expect((await list(token)).status).toBe(200);
  });
});

describe('the event log over HTTP', () => {
  it('goes on after the event that is named, without a gap, in the order of seq', async () => {
    const token = await bridge.administrator();
    await bridge.running.services.events.settled();
    const read = async (query: string) => {
      const response = await bridge.fetch(`${bridge.issuer}/v1/events${query}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.headers.get('content-type')).toBe('application/x-ndjson');
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as { seq: number; prev: string; hash: string });
    };
    const all = await read('');
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    const [first, second] = await read('?since=3&limit=2');
    expect(first?.seq).toBe(4);
    expect(second?.prev).toBe(first?.hash);
    expect(await read(`?since=${all.length}`)).toEqual([]);
  });
});
