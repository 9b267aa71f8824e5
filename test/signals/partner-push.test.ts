import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { SOON } from '../fakes/soon.ts';
import type { PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import type { WholeBridge } from '../http/whole-bridge.ts';
import { becameSignals } from './became-signals.ts';

let companies: TwoCompanies;
let gwen: PersonApp;
const subs = new Map<string, string>();
const [ADA, BOB, CAROL] = ['ada@acme.example', 'bob@acme.example', 'carol@acme.example'];

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { acme, globex } = companies;
  for (const name of ['ada', 'bob']) {
    const app = await acme.signIn(name);
    await app.client.enrol({ label: 'Laptop' });
    subs.set(name, (await app.client.me()).sub);
  }
  // Else the partner is told of an enrolment that it looked up before it became signals.
  await becameSignals(acme.bridge, 'statement.published');
  gwen = await globex.signIn('gwen');
  await gwen.client.enrol({ label: 'Laptop' });
});
afterAll(() => companies?.close());

const lookUp = async (address: string, maxAge = 3_600) =>
  (await gwen.client.lookUp([address], { maxAge }))[0];

const close = (name: string) =>
  companies.acme.bridge.administrator.post(`/admin/v1/persons/${subs.get(name)}/close`, { reason: 'left' });

async function received(bridge: WholeBridge): Promise<StoredEvent[]> {
  return (await bridge.events()).filter(
    ({ type }) => type === 'signal.received' || type === 'signal.refused',
  );
}

/** Waits until the last revocation became signals, and none is on its way: what was not told by then never is. */
async function settled(bridge: WholeBridge): Promise<void> {
  await becameSignals(bridge, 'statement.revoked');
  const waiting = () => bridge.store.read((query) => query.selectFrom('signal_outbox').selectAll().execute());
  await vi.waitFor(async () => expect(await waiting()).toEqual([]), SOON);
}

describe('a revocation at acme', () => {
  it('reaches a partner that looked the person up, empties its cache and tells who watches', async () => {
    expect(await lookUp(ADA)).toMatchObject({ status: 'verified' });
    const ending = new AbortController();
    const changes = gwen.client.watch([ADA], { signal: ending.signal });
    const told = changes.next();
    await vi.waitFor(
      () => expect(companies.globex.traffic.streamed('/v1/watch')).toContain('event: ready'),
      SOON,
    );
    const began = performance.now();
    await close('ada');
    const answered = performance.now();
    expect((await told).value).toEqual({ address: ADA, reason: 'revoked' });
    const took = performance.now() - began;
    console.info(
      `from the revocation to the partner’s watching client: ${took.toFixed(0)} ms, ` +
        `${(performance.now() - answered).toFixed(0)} ms after it was answered`,
    );
    ending.abort();
    expect(await lookUp(ADA)).toMatchObject({ status: expect.stringMatching(/^revoked/) });
  });

  it('is told as one session-revoked and one credential-change, with no word that an administrator typed', async () => {
    const { acme, globex } = companies;
    await vi.waitFor(async () => expect(await received(globex.bridge)).toHaveLength(2), { timeout: 30_000 });
    const signals = await received(globex.bridge);
    expect(signals.map(({ type }) => type)).toEqual(['signal.received', 'signal.received']);
    expect(signals.map(({ data }) => data.event).sort()).toEqual([
      'https://schemas.openid.net/secevent/caep/event-type/credential-change',
      'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
    ]);
    for (const { subject } of signals) expect(subject).toEqual({ partner: acme.bridge.issuer, address: ADA });
    expect(JSON.stringify(signals)).not.toContain('left');
  });

  it('of somebody whom the partner never looked up is not told', async () => {
    const { acme, globex } = companies;
    const before = await received(globex.bridge);
    await close('bob');
    await settled(acme.bridge);
    expect(await received(globex.bridge)).toEqual(before);
    expect(JSON.stringify(await received(globex.bridge))).not.toContain(BOB);
  });

  it('of an address that was not there when the partner guessed it is not told', async () => {
    const { acme, globex } = companies;
    expect(await lookUp(CAROL)).toMatchObject({ status: 'not_found' });
    const carol = await acme.signIn('carol');
    await carol.client.enrol({ label: 'Laptop' });
    subs.set('carol', (await carol.client.me()).sub);
    await close('carol');
    await settled(acme.bridge);
    expect(JSON.stringify(await received(globex.bridge))).not.toContain(CAROL);
  });
});
